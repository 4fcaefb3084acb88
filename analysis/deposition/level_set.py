"""The front as a diffuse layer on a fixed grid, as the paper's program has it.

Φ = 1/(1 + exp(d/ε)) is 1 in the metal, d the distance to the front. Kinetics act where
δ = |∇Φ| = Φ(1-Φ)/ε is, whose integral across the front is one, as that of the paper's
6|Φ(1-Φ)||∇Φ| is. Taken literally, that model plates 7-15 % too much. Three things cure
it:

- ε is not below half an element, or the integral of δ is not one on the grid;
- the front moves by the charge that was collected along its normal, not by the current
  density at each point of a layer in which that varies;
- the grid moves with the mean front, as the anode dissolves: in a fixed box the salt
  would be concentrated.

What is left is an error of first order in ε: the moving mesh is the better one where
both can be had, and this is here to be compared with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline, RegularGridInterpolator
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from ionface.analysis.deposition.cell import MOLAR_VOLUME, Kinetics
from ionface.analysis.deposition.moving_mesh import MovingMesh, State
from ionface.analysis.deposition.stability import (
    FloatArray,
    capillary_length,
    plating,
)
from ionface.analysis.deposition.transport import (
    Domain,
    Fields,
    Grid,
    Transport,
    heights,
    require_scikit_fem,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY

SHARP = 0.5
"""ε in elements: the sharpest layer whose δ a grid integrates to one."""

FLOOR = 1e-3
"""Part of the electrolyte's transport that the metal keeps, so that c and φ go on into
it and the equations stay regular."""

BEHIND = 8.0
"""ε; so far the grid reaches into the metal behind the lowest valley."""

SEED_HEIGHTS = 6.0
"""How many heights of the seed the fine part of the grid reaches beyond it."""

WIDE, SAMPLES = 6.0, 25
"""Of a normal, in ε and points: outside is half a per cent of δ."""

FINE = 20
"""Points between two columns to which distances are taken."""


@dataclass
class DiffuseDomain(Domain):
    """Matrices of a fixed grid with a diffuse front.

    Attributes:
        distance: to the front at the nodes, m, positive in the electrolyte, in the
            order of the grid.
        epsilon: of the layer, m.
    """

    distance: FloatArray
    epsilon: float

    @property
    def rule(self) -> tuple[FloatArray, FloatArray]:
        """Return points of integration that follow the layer within an element."""
        skfem = require_scikit_fem()
        points, weights = skfem.quadrature.get_quadrature(skfem.refdom.RefQuad, 5)
        return points, weights

    @cached_property
    def phi(self) -> FloatArray:
        """Return Φ at the points of integration, shape (elements, points)."""
        d = np.asarray(self.basis.interpolate(self.distance))
        return np.asarray(0.5 * (1 - np.tanh(0.5 * d / self.epsilon)))

    @cached_property
    def _open(self) -> FloatArray:
        """Return the part of the electrolyte at the points of integration."""
        return np.asarray(FLOOR + (1 - FLOOR) * (1 - self.phi))

    def _assembled(self, form: Any, **given: Any) -> csr_matrix:
        skfem = require_scikit_fem()

        def weighted(u: Any, v: Any, w: Any) -> Any:
            return w["open"] * form(u, v, w)

        fields = {k: self.basis.interpolate(v) for k, v in given.items()}
        fields["open"] = skfem.DiscreteField(self._open)
        return skfem.BilinearForm(weighted).assemble(self.basis, **fields)

    def swept(self, old: Domain, dt: float) -> csr_matrix:
        """Return nothing: the grid moves with the mean front and the electrolyte."""
        del old, dt
        return csr_matrix(self.mass.shape)

    @cached_property
    def normal(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return x and y of the normal at the nodes, and |∇d|, which is about one."""
        by_x, by_y = self._along(self.distance, 1.0), self._across(self.distance)
        size = np.hypot(by_x, by_y)
        return by_x / size, by_y / size, size

    @cached_property
    def curvature(self) -> FloatArray:
        """Return the divergence of the normal at the nodes, 1/m."""
        by_x, by_y, _ = self.normal
        return self._along(by_x, -1.0) + self._across(by_y)

    def _along(self, values: FloatArray, mirror: float) -> FloatArray:
        """Return ∂/∂x at the nodes of what a mirror multiplies by ±1."""
        field = values.reshape(self.grid.shape)
        h = self.grid.x[1] - self.grid.x[0]
        padded = np.concatenate([mirror * field[[1]], field, mirror * field[[-2]]])
        return np.asarray((padded[2:] - padded[:-2]) / (2 * h)).ravel()

    def _across(self, values: FloatArray) -> FloatArray:
        """Return ∂/∂y at the nodes."""
        y = self.grid.points(self.front)[1].reshape(self.grid.shape)[0]
        field = values.reshape(self.grid.shape)
        return np.asarray(np.gradient(field, y, axis=1)).ravel()

    def plated(
        self, kinetics: Kinetics, length: float, u: FloatArray, psi: FloatArray
    ) -> tuple[FloatArray, csr_matrix, csr_matrix]:
        """Return the current that leaves at nodes, A/m, and its derivatives."""
        skfem = require_scikit_fem()
        eta = np.asarray(self.basis.interpolate(length * self.curvature - psi))
        i, by_u, by_psi = plating(kinetics, np.asarray(self.basis.interpolate(u)), eta)
        delta = self.phi * (1 - self.phi) / self.epsilon

        def load(v: Any, w: Any) -> Any:
            return w["g"] * v

        def slope(u: Any, v: Any, w: Any) -> Any:
            return w["g"] * u * v

        def field(values: FloatArray) -> Any:
            return skfem.DiscreteField(delta * values)

        slopes = skfem.BilinearForm(slope)
        return (
            np.asarray(skfem.LinearForm(load).assemble(self.basis, g=field(i))),
            slopes.assemble(self.basis, g=field(by_u)),
            slopes.assemble(self.basis, g=field(by_psi)),
        )


@dataclass(frozen=True, kw_only=True)
class LevelState(State):
    """A moment of the growth; its rates are ∂d/∂t at the nodes, m/s.

    Attributes:
        distance: to the front at the nodes of the fixed grid, m.
    """

    distance: FloatArray


class LevelSet(MovingMesh):
    """The growth of one cell with a diffuse front."""

    @property
    def epsilon(self) -> float:
        """Return ε of the layer, m."""
        g = self.spec.geometry
        return SHARP * g.width / g.columns

    @cached_property
    def fixed(self) -> Grid:
        """Return the nodes: as high as wide around the front, then growing."""
        g, behind = self.spec.geometry, self._behind
        h = g.width / g.columns
        seed = np.asarray(self.spec.initial_front(self.grid.x))
        ahead = BEHIND * self.epsilon + SEED_HEIGHTS * float(seed.max())
        rows = int(np.ceil((behind + ahead) / h))
        near = h * np.arange(rows + 1) - behind
        left = g.thickness - near[-1]
        far = near[-1] + left * heights(g.rows, left, h)[1:]
        y = np.concatenate([near, far])
        return Grid(self.grid.x, (y - y[0]) / (y[-1] - y[0]), g.thickness)

    @cached_property
    def _y(self) -> FloatArray:
        low = -self._behind
        return low + (self.fixed.thickness - low) * self.fixed.eta

    @cached_property
    def _behind(self) -> float:
        seed = np.asarray(self.spec.initial_front(self.grid.x))
        return BEHIND * self.epsilon - SEED_HEIGHTS * float(seed.min())

    @cached_property
    def transport(self) -> Transport:
        """Return the equations on the fixed grid."""
        s = self.spec
        return Transport(self.fixed, s.electrolyte, s.kinetics, s.current, self.solver)

    def domain(self, distance: FloatArray) -> DiffuseDomain:
        """Return the matrices of a front."""
        base = np.full(len(self.fixed.x), -self._behind)
        return DiffuseDomain(self.fixed, base, distance, self.epsilon)

    def start(self) -> LevelState:
        """Return the seed in a uniform electrolyte."""
        front = np.asarray(self.spec.initial_front(self.grid.x))
        points = self.fixed.points(np.full(len(self.fixed.x), -self._behind))
        length = self._nearest(front, points)[1]
        above = points[1] > np.interp(points[0], self.grid.x, front)
        distance = np.where(above, length, -length)
        u, psi = self.transport.at_rest()
        none = np.zeros_like(distance)
        density = np.full_like(front, self.spec.current)
        return LevelState(
            time=0.0, front=front, u=u, psi=psi, density=density, rate=none,
            rate_before=none, distance=distance,
        )  # fmt: skip

    def _step(self, state: State, dt: float) -> LevelState:
        assert isinstance(state, LevelState)
        rate, before = state.rate, state.rate_before
        old = self.domain(state.distance)
        if not state.dt:
            fields = self.transport.step(old, old, state.u, state.psi, dt)
            rate = before = self._sweep(old, state.front, fields)[0]
        ratio = dt / state.dt if state.dt else 0.0
        distance = state.distance + dt * (rate + 0.5 * ratio * (rate - before))
        new, front = self.domain(distance), self._front_of(distance)
        fields = self.transport.step(old, new, state.u, state.psi, dt)
        now, density = self._sweep(new, front, fields)
        charge = float(fields.plated.sum()) / self.grid.x[-1]
        return LevelState(
            time=state.time + dt, front=front, u=fields.u, psi=fields.psi,
            density=density, rate=now, rate_before=rate, dt=dt,
            plated=state.plated + dt * charge, distance=distance,
        )  # fmt: skip

    def _sweep(
        self, domain: DiffuseDomain, front: FloatArray, fields: Fields
    ) -> tuple[FloatArray, FloatArray]:
        """Return ∂d/∂t at the nodes, m/s, and the current density at the front, A/m².

        The charge that is collected along a normal moves the front there, and every
        node moves as the nearest point of the front does: d stays a distance.
        """
        density = self._collected(domain, front, fields)
        lengths = Domain(self.grid, front).shares
        total = float(fields.plated.sum())
        density *= total / float(density @ lengths)
        x, _ = self._nearest(front, self.fixed.points(domain.front))
        speed = MOLAR_VOLUME / FARADAY * np.interp(x, self.grid.x, density)
        mean = MOLAR_VOLUME / FARADAY * total / self.grid.x[-1]
        _, upward, size = domain.normal
        return (mean * upward - speed) * size, density

    def _collected(
        self, domain: DiffuseDomain, front: FloatArray, fields: Fields
    ) -> FloatArray:
        """Return ∫ i δ (1 + κ n) dn along the normal at every column, A/m²."""
        curvature = domain.curvature
        nodes = np.stack([fields.u, fields.psi, curvature], axis=1)
        field = RegularGridInterpolator(
            (self.grid.x, self._y), nodes.reshape(*self.fixed.shape, 3)
        )
        slope = np.gradient(front, self.grid.x)
        slope[[0, -1]] = 0.0
        n = self.epsilon * np.linspace(-WIDE, WIDE, SAMPLES)
        stretch = np.hypot(1.0, slope)[:, None]
        x = np.abs(self.grid.x[:, None] - n * slope[:, None] / stretch)
        x = np.minimum(x, 2 * self.grid.x[-1] - x)  # mirrors
        y = front[:, None] + n / stretch
        u, psi, bend = np.moveaxis(field(np.stack([x, y], axis=-1)), -1, 0)
        length = capillary_length(self.spec.kinetics, self.spec.electrolyte)
        i = plating(self.spec.kinetics, u, length * bend - psi)[0]
        phi = 1 / (1 + np.exp(n / self.epsilon))
        middle = bend[:, [SAMPLES // 2]]
        weight = phi * (1 - phi) / self.epsilon * (1 + middle * n)
        return np.asarray(np.trapezoid(i * weight, n, axis=1))

    def _nearest(
        self, front: FloatArray, points: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return x of the nearest point of the front, and the distance to it, m."""
        fine = np.linspace(0, self.grid.x[-1], FINE * (len(front) - 1) + 1)
        smooth = CubicSpline(self.grid.x, front, bc_type="clamped")(fine)
        distance, index = cKDTree(np.stack([fine, smooth], axis=1)).query(points.T)
        return fine[index], distance

    def _front_of(self, distance: FloatArray) -> FloatArray:
        """Return the height of the front in every column, where d rises through 0."""
        field = distance.reshape(self.fixed.shape)
        below = np.argmax(field > 0, axis=1) - 1
        rows = np.arange(len(field))
        low, high = field[rows, below], field[rows, below + 1]
        y = self._y
        return np.asarray(y[below] + (y[below + 1] - y[below]) * low / (low - high))

    def salt(self, state: State) -> float:
        """Return ∫ u of the electrolyte, m²."""
        assert isinstance(state, LevelState)
        return float((self.domain(state.distance).mass @ state.u).sum())

    def on_front_grid(self, state: State) -> tuple[FloatArray, FloatArray]:
        """Return u and ψ on rows between the front and the anode, (nx, ny) each."""
        y = self.grid.points(state.front)[1].reshape(self.grid.shape)
        fields = (f.reshape(self.fixed.shape) for f in (state.u, state.psi))
        u, psi = (
            np.stack(
                [np.interp(at, self._y, f) for at, f in zip(y, field, strict=True)]
            )
            for field in fields
        )
        return u, psi
