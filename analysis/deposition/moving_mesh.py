"""The front in time, on a mesh that follows it.

The front advances by the charge that each of its nodes collects: what is plated is
exact, whatever the mesh. Second order in time (Adams-Bashforth) for the front, backward
Euler for the salt, which follows the front almost at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solveh_banded

from ionface.analysis.deposition.cell import MOLAR_VOLUME, DepositionSpec
from ionface.analysis.deposition.stability import (
    FlatFront,
    FloatArray,
    amplitude_of,
    limiting_current,
)
from ionface.analysis.deposition.transport import (
    DepletedError,
    Domain,
    Grid,
    Transport,
    heights,
)
from ionface.analysis.electrochemistry.transport_properties import FARADAY

STABLE = 0.3
"""Largest |ω| dt of the shortest wave of the mesh; beyond 1 it would oscillate."""

TOUCHES = 0.01
"""Part of the electrolyte's thickness that counts as contact: dendrites cross it within
seconds, and elements between the electrodes would vanish."""

HALVINGS = 4
"""How often a step is divided before the salt counts as used up."""


@dataclass(frozen=True)
class State:
    """A moment of the growth.

    Attributes:
        time: s.
        front: height over its mean, m, shape (columns + 1,).
        u: c/c0 at the nodes, in the order of the grid.
        psi: Fφ/RT at the nodes.
        density: current density at the front, A/m², shape (columns + 1,).
        rate: how fast the front rises over its mean, m/s.
        rate_before: the same a step earlier.
        dt: the last step, s; 0 at the start.
        plated: charge so far, C/m².
    """

    time: float
    front: FloatArray
    u: FloatArray
    psi: FloatArray
    density: FloatArray
    rate: FloatArray
    rate_before: FloatArray
    dt: float = 0.0
    plated: float = 0.0

    @property
    def amplitude(self) -> float:
        """Return half the difference of the highest and lowest point, m."""
        return amplitude_of(self.front)


@dataclass(frozen=True)
class MovingMesh:
    """The growth of one cell.

    Attributes:
        spec: of the cell.
        solver: of linear systems, "direct" or "iterative"; by the mesh if None.
    """

    spec: DepositionSpec
    solver: str | None = None

    @cached_property
    def grid(self) -> Grid:
        """Return the nodes; the first row is as high as the columns are wide."""
        g = self.spec.geometry
        x = np.linspace(0.0, g.width, g.columns + 1)
        eta = heights(g.rows, g.thickness, g.width / g.columns)
        return Grid(x, eta, g.thickness)

    @cached_property
    def transport(self) -> Transport:
        """Return the equations of the electrolyte."""
        s = self.spec
        return Transport(self.grid, s.electrolyte, s.kinetics, s.current, self.solver)

    @property
    def steps(self) -> int:
        """Return how many steps the front needs to stay stable, at least the asked."""
        s, g = self.spec, self.spec.geometry
        if s.current >= limiting_current(s.electrolyte, g.thickness):
            return s.steps
        flat = FlatFront(s.electrolyte, s.kinetics, g.thickness, s.current)
        shortest = np.array(math.pi * g.columns / g.width)
        fastest = abs(float(flat.growth_rate(shortest)))
        return max(s.steps, math.ceil(s.duration * fastest / STABLE))

    def start(self) -> State:
        """Return the seed in a uniform electrolyte."""
        front = np.asarray(self.spec.initial_front(self.grid.x))
        u, psi = self.transport.at_rest()
        none = np.zeros_like(front)
        return State(0.0, front, u, psi, none + self.spec.current, none, none)

    def advance(self, state: State, dt: float, halvings: int = HALVINGS) -> State:
        """Return the state after a time step, in s.

        Raises:
            DepletedError: the salt at the front is used up.
        """
        try:
            return self._step(state, dt)
        except DepletedError:
            if halvings == 0:
                raise
        first = self.advance(state, dt / 2, halvings - 1)
        return self.advance(first, dt / 2, halvings - 1)

    def salt(self, state: State) -> float:
        """Return ∫ u of the electrolyte, m²."""
        return float((Domain(self.grid, state.front).mass @ state.u).sum())

    def on_front_grid(self, state: State) -> tuple[FloatArray, FloatArray]:
        """Return u and ψ on rows from the front to the anode, (nx, ny) each."""
        u, psi = (f.reshape(self.grid.shape) for f in (state.u, state.psi))
        return u, psi

    def touches(self, state: State) -> bool:
        """Tell whether the front has reached the other electrode."""
        gap = self.grid.thickness - float(state.front.max())
        return gap <= TOUCHES * self.grid.thickness

    def _step(self, state: State, dt: float) -> State:
        rate, before = state.rate, state.rate_before
        if not state.dt:
            here = Domain(self.grid, state.front)
            fields = self.transport.step(here, here, state.u, state.psi, dt)
            rate = before = self._rate(here.at_front(fields.plated))
        ratio = dt / state.dt if state.dt else 0.0
        moved = state.front + dt * (rate + 0.5 * ratio * (rate - before))
        old, new = Domain(self.grid, state.front), Domain(self.grid, moved)
        fields = self.transport.step(old, new, state.u, state.psi, dt)
        charge = new.at_front(fields.plated)
        return State(
            time=state.time + dt,
            front=moved,
            u=fields.u,
            psi=fields.psi,
            density=charge / new.shares,
            rate=self._rate(charge),
            rate_before=rate,
            dt=dt,
            plated=state.plated + dt * float(charge.sum()) / self.grid.x[-1],
        )

    def _rate(self, charge: FloatArray) -> FloatArray:
        """Return how fast the front rises over its mean, m/s."""
        mean = MOLAR_VOLUME / FARADAY * float(charge.sum()) / self.grid.x[-1]
        return front_rate(self.grid, charge) - mean


def front_rate(grid: Grid, charge: FloatArray) -> FloatArray:
    """Return how fast the front rises, m/s.

    The charge of every node is spread with the front's own shape functions, whose sum
    is one: the volume is that of the charge.

    Args:
        grid: with evenly spaced columns.
        charge: current that each node of the front collects, A/m, shape (columns + 1,).
    """
    h = grid.x[1] - grid.x[0]
    diagonal = np.full(len(charge), 0.5 * h * (1 + grid.front_point**2))
    diagonal[[0, -1]] /= 2
    aside = np.full(len(charge), 0.25 * h * (1 - grid.front_point**2))
    bands = np.stack([aside, diagonal])
    return np.asarray(MOLAR_VOLUME / FARADAY * solveh_banded(bands, charge))
