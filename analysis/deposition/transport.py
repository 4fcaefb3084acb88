"""Salt and potential in the electrolyte between a front of any shape and a flat anode.

Unknowns are u = c/c0 and ψ = Fφ/RT at the nodes of a mesh of quadrilaterals, bilinear
in each. Backward Euler in time, Newton for the kinetics.

    ∂u/∂t = ∇·(D ∇u)                              salt
    0 = ∇·(κ0 [u ∇ψ + (2t+ - 1) ∇u])               charge
    F D c0 ∂u/∂n / (1-t+) = i(u, ψ)               at the front: no anion crosses it

The mesh moves with the front; salt is balanced per element in the moving mesh, so that
none is lost. Coordinates move with the mean height of the front, as the anode does,
which dissolves as much as is plated: the electrolyte stays as thick as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import bmat, csr_matrix

from ionface.analysis.deposition.cell import Electrolyte, Kinetics
from ionface.analysis.deposition.linear_solvers import solved
from ionface.analysis.deposition.stability import (
    FloatArray,
    capillary_length,
    overpotential,
    plating,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY
from ionface.errors import AnalysisError

TOLERANCE = 1e-9
"""Of the last change of u and ψ, both of order one; what it leaves is its square."""

ITERATIONS = 40


class DepletedError(AnalysisError):
    """The salt at the front is used up: no potential carries this current."""


def require_scikit_fem() -> Any:
    """Return the library.

    Raises:
        AnalysisError: it is not installed.
    """
    try:
        import skfem
    except ImportError as error:
        raise AnalysisError(
            "deposition needs scikit-fem, which is not installed; install it with "
            "pip install 'ionface[deposition]'"
        ) from error
    return skfem


def heights(rows: int, thickness: float, first: float) -> FloatArray:
    """Return relative heights of the nodes, from 0 at the front to 1 at the anode.

    Args:
        rows: of elements.
        thickness: m.
        first: height of half of the rows, next to the front, m: waves die away
            within them, and elements of one size have the smallest error. The others
            grow geometrically. Rows that are thinner anyway are even.
    """
    near = rows // 2
    far, left = np.arange(1, rows - near + 1), thickness - near * first
    if thickness / rows <= first:
        return np.linspace(0.0, 1.0, rows + 1)

    def beyond(ratio: float) -> float:
        return float(np.sum(ratio**far)) - left / first

    ratio = brentq(beyond, 1.0, (left / first) ** (1 / len(far)), xtol=1e-14)
    sizes = np.concatenate([np.ones(near), ratio**far])
    edges = np.concatenate([[0.0], np.cumsum(sizes)])
    return np.asarray(edges / edges[-1])


@dataclass(frozen=True)
class Grid:
    """Columns and rows of nodes; node (i, j) has the number i (rows + 1) + j.

    Attributes:
        x: positions of the columns, m, shape (columns + 1,).
        eta: relative heights of the rows, 0 at the front, shape (rows + 1,).
        thickness: of the electrolyte above the mean front, m.
    """

    x: FloatArray
    eta: FloatArray
    thickness: float

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many nodes there are along and across."""
        return len(self.x), len(self.eta)

    @cached_property
    def elements(self) -> Any:
        """Return the numbers of the corners of every element, counterclockwise."""
        numbers = np.arange(self.shape[0] * self.shape[1]).reshape(self.shape)
        corners = (
            numbers[:-1, :-1],
            numbers[1:, :-1],
            numbers[1:, 1:],
            numbers[:-1, 1:],
        )
        return np.stack([c.ravel() for c in corners])

    @property
    def front_point(self) -> float:
        """Return where an element of the front is integrated, ±p of its half.

        A first row of height h makes the current of a wave too large by (kh)²/12; at
        p² = (2 + (h/w)²)/3 of elements of width w the front's integrals make it up. It
        is 1, the nodes, where elements are as high as wide, and for higher ones.
        """
        high = self.eta[1] * self.thickness / (self.x[1] - self.x[0])
        return float(np.sqrt((2 + min(high, 1.0) ** 2) / 3))

    def points(self, front: FloatArray) -> FloatArray:
        """Return where the nodes are above a front, m, shape (2, nodes)."""
        y = front[:, None] + (self.thickness - front)[:, None] * self.eta
        x = np.broadcast_to(self.x[:, None], self.shape)
        return np.stack([x.ravel(), y.ravel()])


# scikit-fem calls forms with trial and test function and what else it was given


def _stiffness(u: Any, v: Any, w: Any) -> Any:
    del w
    return u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1]


def _mass(u: Any, v: Any, w: Any) -> Any:
    del w
    return u * v


def _weighted(u: Any, v: Any, w: Any) -> Any:
    return w["c"] * _stiffness(u, v, w)


def _carried(u: Any, v: Any, w: Any) -> Any:
    return u * (w["p"].grad[0] * v.grad[0] + w["p"].grad[1] * v.grad[1])


def _swept(u: Any, v: Any, w: Any) -> Any:
    return u * w["q"] * v.grad[1]


POINT = (2 / 3) ** 0.5
"""Points of integration in an element, ±POINT along each axis. Not Gauss's ±1/√3: with
these the error of a wave is of fourth order on even meshes (Guddati and Yue, Comput.
Methods Appl. Mech. Eng. 193, 275 (2004), doi:10.1016/j.cma.2003.09.010)."""


SLOPE = np.array([-1, 8, 0, -8, 1]) / 12
BEND = np.array([-1, 16, -30, 16, -1]) / 12
"""Central differences of fourth order."""


@dataclass
class Domain:
    """Matrices of one shape of the front.

    Attributes:
        grid: of nodes.
        front: height of the front over its mean, m, shape (columns + 1,).
    """

    grid: Grid
    front: FloatArray
    basis: Any = field(init=False)

    def __post_init__(self) -> None:
        """Lay the mesh."""
        skfem = require_scikit_fem()
        mesh = skfem.MeshQuad(self.grid.points(self.front), self.grid.elements)
        element = skfem.ElementQuad1()
        # a mapping that the mesh made would keep the mesh, and the mesh it: megabytes
        # of every step until the garbage collector comes
        mapping = skfem.MappingIsoparametric(mesh, element, skfem.ElementLineP1())
        self.basis = skfem.Basis(mesh, element, mapping, quadrature=self.rule)

    @property
    def rule(self) -> tuple[FloatArray, FloatArray]:
        """Return points of integration in the unit square and their weights."""
        ends = 0.5 + 0.5 * POINT * np.array([-1.0, 1.0])
        points = np.stack([part.ravel() for part in np.meshgrid(ends, ends)])
        return points, np.full(4, 0.25)

    def _assembled(self, form: Any, **given: Any) -> csr_matrix:
        skfem = require_scikit_fem()
        fields = {
            name: self.basis.interpolate(values) for name, values in given.items()
        }
        return skfem.BilinearForm(form).assemble(self.basis, **fields)

    @cached_property
    def stiffness(self) -> csr_matrix:
        """Return ∫ ∇u·∇v."""
        return self._assembled(_stiffness)

    @cached_property
    def mass(self) -> csr_matrix:
        """Return ∫ u v."""
        return self._assembled(_mass)

    def weighted(self, c: FloatArray) -> csr_matrix:
        """Return ∫ c ∇u·∇v."""
        return self._assembled(_weighted, c=c)

    def carried(self, potential: FloatArray) -> csr_matrix:
        """Return ∫ u ∇ψ·∇v."""
        return self._assembled(_carried, p=potential)

    def swept(self, old: Domain, dt: float) -> csr_matrix:
        """Return ∫ u w ∂v/∂y of a mesh that rose with w since it was the old one."""
        rise = (self.front - old.front)[:, None] * (1 - self.grid.eta) / dt
        return self._assembled(_swept, q=rise.ravel())

    @cached_property
    def curvature(self) -> FloatArray:
        """Return that of the front at its nodes, 1/m, positive at crests; mirrored."""
        h = self.grid.x[1] - self.grid.x[0]
        padded = np.pad(self.front, 2, mode="reflect")
        slope = np.convolve(padded, SLOPE, "valid") / h
        bend = np.convolve(padded, BEND, "valid") / h**2
        return np.asarray(-bend / (1 + slope**2) ** 1.5)

    @cached_property
    def lengths(self) -> FloatArray:
        """Return the lengths of the front's elements, m, shape (columns,)."""
        return np.hypot(np.diff(self.grid.x), np.diff(self.front))

    @cached_property
    def shares(self) -> FloatArray:
        """Return the length of the front that belongs to each of its nodes, m."""
        return np.convolve(self.lengths, [0.5, 0.5])

    def at_front(self, values: FloatArray) -> FloatArray:
        """Return what the nodes of the front have, shape (columns + 1,)."""
        return np.asarray(values.reshape(self.grid.shape)[:, 0])

    def plated(
        self, kinetics: Kinetics, length: float, u: FloatArray, psi: FloatArray
    ) -> tuple[FloatArray, csr_matrix, csr_matrix]:
        """Return the current that leaves at nodes, A/m, and its derivatives.

        Args:
            kinetics: of the front.
            length: capillary length, m.
            u: c/c0 at the nodes.
            psi: Fφ/RT at the nodes.
        """
        nodes = np.arange(u.size).reshape(self.grid.shape)[:, 0]
        eta = -psi[nodes] + length * self.curvature
        load, rows, columns = np.zeros(u.size), [], []
        by_u, by_psi = [], []
        for s in 0.5 + 0.5 * np.array([-1.0, 1.0]) * self.grid.front_point:
            shares = (1 - s, s)
            here = [(1 - s) * f[:-1] + s * f[1:] for f in (u[nodes], eta)]
            i, per_u, per_psi = plating(kinetics, *here)
            weight = 0.5 * self.lengths
            for a in (0, 1):
                at = nodes[a : len(nodes) - 1 + a]
                np.add.at(load, at, shares[a] * weight * i)
                for b in (0, 1):
                    rows.append(at)
                    columns.append(nodes[b : len(nodes) - 1 + b])
                    by_u.append(shares[a] * shares[b] * weight * per_u)
                    by_psi.append(shares[a] * shares[b] * weight * per_psi)
        where = (np.concatenate(rows), np.concatenate(columns))
        shape = (u.size, u.size)
        return (
            load,
            csr_matrix((np.concatenate(by_u), where), shape),
            csr_matrix((np.concatenate(by_psi), where), shape),
        )


@dataclass(frozen=True)
class Fields:
    """What the electrolyte holds.

    Attributes:
        u: c/c0 at the nodes, shape (nodes,).
        psi: Fφ/RT at the nodes against the plated metal, shape (nodes,).
        plated: current that each node collects, A/m (per depth), shape (nodes,).
    """

    u: FloatArray
    psi: FloatArray
    plated: FloatArray


@dataclass(frozen=True)
class Transport:
    """The equations of one cell.

    Attributes:
        grid: of nodes.
        electrolyte: its transport properties.
        kinetics: of the front.
        current: that the anode gives everywhere, A/m².
        solver: of linear systems, "direct" or "iterative"; by the mesh if None.
    """

    grid: Grid
    electrolyte: Electrolyte
    kinetics: Kinetics
    current: float
    solver: str | None = None

    def at_rest(self) -> tuple[FloatArray, FloatArray]:
        """Return u and ψ when the current is switched on."""
        eta = overpotential(self.kinetics, 1.0, self.current)
        nodes = self.grid.shape[0] * self.grid.shape[1]
        return np.ones(nodes), np.full(nodes, -eta)

    def step(
        self, old: Domain, new: Domain, u: FloatArray, psi: FloatArray, dt: float
    ) -> Fields:
        """Return the fields after a time step, in which the front went from old to new.

        Args:
            old: with the salt u.
            new: with the front where it is then.
            u: c/c0 before.
            psi: where Newton's method starts.
            dt: s.

        Raises:
            DepletedError: no potential carries the current.
        """
        e = self.electrolyte
        # in A: what leaves a node as salt, times F c0 / (1 - t+)
        scale = FARADAY * e.concentration / (1 - e.transference_number)
        moved = new.swept(old, dt)
        salt = scale * (new.mass / dt + e.diffusion * new.stiffness + moved)
        before = scale * (old.mass @ u) / dt
        return self._newton(new, salt.tocsr(), before, u, psi)

    def _newton(
        self, d: Domain, salt: csr_matrix, before: FloatArray, u: FloatArray,
        psi: FloatArray,
    ) -> Fields:  # fmt: skip
        e = self.electrolyte
        kappa = e.conductivity * e.thermal_voltage
        drag = kappa * (2 * e.transference_number - 1) * d.stiffness
        anode = self._anode()
        length = capillary_length(self.kinetics, e)
        for _ in range(ITERATIONS):
            plated, per_u, per_psi = d.plated(self.kinetics, length, u, psi)
            ohmic = kappa * d.weighted(u)
            off_salt = salt @ u - before + plated - anode
            off_charge = ohmic @ psi + drag @ u + plated - anode
            jacobian = bmat(
                [
                    [salt + per_u, per_psi],
                    [kappa * d.carried(psi) + drag + per_u, ohmic + per_psi],
                ],
                format="csc",
            )
            change = solved(
                jacobian, -np.concatenate([off_salt, off_charge]), self.solver
            )
            du, dpsi = np.split(change, 2)
            damping = _damping(u, du, dpsi)
            u, psi = u + damping * du, psi + damping * dpsi
            if not np.isfinite(u).all():
                break
            if damping == 1 and max(np.abs(du).max(), np.abs(dpsi).max()) < TOLERANCE:
                plated = d.plated(self.kinetics, length, u, psi)[0]
                return Fields(u, psi, plated)
        lowest = float(np.nanmin(u))
        raise DepletedError(
            f"no potential carries {self.current:g} A/m²: c/c0 went to "
            f"{lowest:.2g}; lower the current"
        )

    def _anode(self) -> FloatArray:
        """Return the current that enters at the nodes of the anode, A/m."""
        load = np.zeros(self.grid.shape)
        half = 0.5 * self.current * np.diff(self.grid.x)
        load[:-1, -1] += half
        load[1:, -1] += half
        return load.ravel()


def _damping(u: FloatArray, du: FloatArray, dpsi: FloatArray) -> float:
    """Return the share of a Newton step that keeps u positive and ψ tame."""
    falling = du < 0
    room = np.min(-0.9 * u[falling] / du[falling]) if falling.any() else 1.0
    return float(min(1.0, room, 3.0 / max(np.abs(dpsi).max(), 1e-30)))
