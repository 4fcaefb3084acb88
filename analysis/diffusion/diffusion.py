"""Diffusion coefficients with honest error bars, or the reason why there is none.

D is the slope of the MSD over 2d, in a stated window of lags, with an offset for the
motion within a site. The weights are those for random walkers (see `msd_fit`). Three
things make a coefficient uncertain, and the error bar holds all of them: a walker's own
randomness (known for a random walk), how different the atoms are (their spread), and
how much they move together (the collective factor: 1 for independent atoms, n if they
all move alike; it multiplies the variance).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.diffusion.msd import DIRECTIONS, axes_of, msd_by_atom
from ionface.analysis.diffusion.msd_fit import (
    CM2_PER_S,
    HELD,
    LAGS,
    STILL,
    Diffusion,
    LagWindow,
    SlopeFit,
    collective_factor,
    fit_slope,
    lag_window,
    objection_to,
    returns,
)
from ionface.analysis.diffusion.unwrapped_positions import (
    MOTIONLESS,
    Drift,
    Paths,
    paths,
)
from ionface.analysis.interphase.layers import layer_edges, layers_of_atoms
from ionface.analysis.pairs import each_species
from ionface.analysis.readers import open_trajectory
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

__all__ = [
    "CM2_PER_S",
    "Diffusion",
    "diffusion",
    "diffusion_coefficients",
]

WINDOW = (0.1, 0.5)
"""Lags of the fit, of the run's length: beyond half of it there are too few origins."""

SITE = 3.0
"""Å² in three dimensions, 1 Å² along each axis: what the MSD must gain over its offset.
Hops between sites are 2-4 Å long; with less, most atoms have not left theirs, and a run
of the same length may show nothing (He, Zhu, Epstein, Mo, npj Comput. Mater. 4, 18
(2018), doi:10.1038/s41524-018-0074-y)."""

SAME = 2.0
"""Standard errors within which motion in the plane and along the normal is the same:
in one crystal of 20 that is cubic it will not be, and then each speaks for itself."""

AGING = 3.0
"""Standard errors by which the halves of a run differ if its motion changes: a reacting
interface, or a melt that has not settled."""


def diffusion_coefficients(
    positions: FloatArray,
    interval_fs: float,
    *,
    directions: Sequence[str] = tuple(DIRECTIONS),
    window: tuple[float, float] = WINDOW,
    site: float = SITE,
    name: str = "",
) -> list[Diffusion]:
    """Return the diffusion coefficients of atoms that are taken to be of one kind.

    Args:
        positions: unwrapped and free of drift, Å, shape (n_frames, n_atoms, 3); for
            other directions than '3d' the last axis is the normal.
        interval_fs: between frames, fs.
        directions: of '3d', 'in-plane' and 'normal'; several cost no more than one.
        window: lags of the fit, as fractions of the run.
        site: Å² in three dimensions that the MSD must gain over its offset, see SITE;
            0 for walkers without sites.
        name: what to call the atoms.

    Raises:
        AnalysisError: the run is too short for the window, there is no atom, or no such
            direction.
    """
    lags = lag_window(len(positions), *window)
    if not _moves(positions):
        raise AnalysisError(
            "these atoms do not move at all, so that they have no diffusion "
            "coefficient; choose others"
        )
    curves = msd_by_atom(positions, lags.lags)  # (n_lags, n_atoms, 3)
    halves = _halves(positions, window)
    within = (float(lags.lags[0]) * interval_fs, float(lags.lags[-1]) * interval_fs)
    compared = DIRECTIONS if len(directions) > 1 else ()
    fits = {
        each: _fit(curves, lags, positions, axes_of(each))  # raises
        for each in dict.fromkeys([*directions, *compared])
    }
    results = []
    for direction in directions:
        axes, fit = axes_of(direction), fits[direction]
        objection = _objection(fits, direction, site)
        results.append(
            _result(
                fit,
                objection,
                axes=len(axes),
                interval_fs=interval_fs,
                species=name,
                direction=direction,
                window_fs=within,
                atoms=positions.shape[1],
                notes=(
                    *(() if objection else returns(fit, len(axes))),
                    *_aging([_fit(*half, axes) for half in halves]),
                ),
            )
        )
    return results


def _objection(fits: Mapping[str, SlopeFit], direction: str, site: float) -> str:
    """Return why the slope along some axes is no diffusion coefficient, or "".

    Args:
        fits: of this direction; of all, where several were asked for.
        direction: as in `DIRECTIONS`.
        site: Å² in three dimensions that the MSD must gain.
    """
    # where the motion is the same along all axes, all of them are one sample
    if direction != "3d" and len(fits) > 1 and _isotropic(fits):
        objection = objection_to(fits["3d"], site)
        return objection and f"as in all directions together: {objection}"
    fit = fits[direction]
    if fit is STILL:
        return HELD
    return objection_to(fit, site * len(axes_of(direction)) / 3)


def _isotropic(fits: Mapping[str, SlopeFit]) -> bool:
    """Return whether the motion in the plane and along the normal may be the same."""
    plane, normal = fits["in-plane"], fits["normal"]
    if plane is STILL or normal is STILL:
        return False
    difference = plane.slope / 2 - normal.slope
    return abs(difference) <= SAME * np.hypot(plane.slope_error / 2, normal.slope_error)


def _moves(positions: FloatArray) -> bool:
    return bool(np.ptp(positions, axis=0).max(initial=0.0) > MOTIONLESS)


def _fit(
    curves: FloatArray, lags: LagWindow, positions: FloatArray, axes: list[int]
) -> SlopeFit:
    if not _moves(positions[:, :, axes]):
        return STILL
    chosen = curves[:, :, axes].sum(axis=2)
    lag = max(1, int(lags.lags[0]) // 3)
    return fit_slope(
        chosen, lags, collective_factor(positions[:, :, axes], lag), len(axes)
    )


def _result(
    fit: SlopeFit, objection: str, *, axes: int, interval_fs: float, **given: Any
) -> Diffusion:
    """Return a fit in Å² per frame as a coefficient in Å²/fs."""
    per_fs = 1 / (2 * axes * interval_fs)
    return Diffusion(
        coefficient=fit.slope * per_fs,
        error=fit.slope_error * per_fs,
        interval=(fit.interval[0] * per_fs, fit.interval[1] * per_fs),
        exponent=fit.exponent,
        exponent_error=fit.exponent_error,
        diffusive=not objection,
        verdict=f"not diffusive: {objection}" if objection else "diffusive",
        upper_bound=None if fit.speeding else fit.bound * per_fs,
        msd_end=fit.end,
        collective=fit.together,
        offset=fit.offset,
        **given,
    )


def _halves(
    positions: FloatArray, window: tuple[float, float]
) -> list[tuple[FloatArray, LagWindow, FloatArray]]:
    """Return what a fit of either half of the run needs; nothing for short runs."""
    half = len(positions) // 2
    if half * (window[1] - window[0]) < LAGS:
        return []
    lags = lag_window(half, *window)
    halves = (positions[:half], positions[half : 2 * half])
    return [(msd_by_atom(part, lags.lags), lags, part) for part in halves]


def _aging(halves: list[SlopeFit]) -> tuple[str, ...]:
    """Return a note if the first half of the run moves otherwise than the second."""
    if not halves:
        return ()
    first, second = halves
    noise = float(np.hypot(first.slope_error, second.slope_error))
    if abs(first.slope - second.slope) <= AGING * noise:
        return ()
    ratio = f"{second.slope / first.slope:.1f}" if first.slope > 0 else "many"
    return (
        f"the motion changes: the second half of the run is {ratio} times as fast as "
        "the first; a coefficient of both together is a mean of two states",
    )


def diffusion(
    trajectory: Any,
    species: str | Sequence[str] | None = None,
    *,
    layers: Sequence[float] | None = None,
    directions: Sequence[str] = tuple(DIRECTIONS),
    window: tuple[float, float] = WINDOW,
    drift: Drift = "auto",
) -> list[Diffusion]:
    """Return the diffusion coefficients of species, in all directions wanted.

    Args:
        trajectory: whatever `open_trajectory` takes, wrapped or not; equally spaced in
            time.
        species: a symbol or several; all that move by default.
        layers: heights along the normal that divide the cell into layers, Å, ascending;
            an atom belongs to the layer of its mean height, and atoms of a layer are
            named as in "Li, 3.0-8.0 Å".
        directions: of '3d', 'in-plane', 'normal'.
        window: lags of the fit, as fractions of the run.
        drift: what is subtracted, see `unwrapped_positions.reference`.

    Raises:
        AnalysisError: the run is too short, a species is missing, atoms cannot be
            followed, or none of them moves.

    >>> steps = np.random.default_rng(0).normal(0, 0.5, (2000, 40, 3))
    >>> walk = np.cumsum(steps, axis=0)  # D = 0.5² Å² / (2 * 10 fs) along each axis
    >>> cell = np.diag([30.0, 30.0, 30.0])
    >>> run = Trajectory.from_arrays(["Li"] * 40, cell, walk, timestep_fs=10.0)
    >>> (found,) = diffusion(run, directions=["3d"], drift="none")
    >>> found.diffusive, abs(found.coefficient - 0.0125) < 3 * found.error
    (True, True)
    """
    trajectory = open_trajectory(trajectory)
    names = each_species(species or dict.fromkeys(trajectory.species))
    moved = paths(trajectory, names, drift=drift)
    results = []
    for name, chosen, notes in _groups(trajectory, moved, names, layers):
        for found in diffusion_coefficients(
            moved.positions[:, chosen],
            moved.interval_fs,
            directions=directions,
            window=window,
            name=name,
        ):
            told = moved.notes + notes + found.notes
            results.append(
                replace(
                    found, drift=moved.drift, notes=told, provenance=moved.provenance
                )
            )
    if not results:
        raise AnalysisError(f"none of the atoms of {names} moves; choose other species")
    return results


def _groups(
    trajectory: Trajectory,
    moved: Paths,
    names: Sequence[str],
    layers: Sequence[float] | None,
) -> Iterator[tuple[str, NDArray[np.bool_], tuple[str, ...]]]:
    """Yield name, chosen atoms and notes of every group that moves."""
    species = np.asarray(moved.species)
    mobile = np.ptp(moved.positions, axis=0).max(axis=1) > MOTIONLESS
    if layers is None:
        for name in names:
            chosen = (species == name) & mobile
            held = int(np.sum((species == name) & ~mobile))
            notes = (f"{held} fixed {name} atoms left out",) if held else ()
            if chosen.any():
                yield name, chosen, notes
        return
    edges = layer_edges(layers, trajectory)
    layer, inside = layers_of_atoms(trajectory, moved.atoms, edges)
    for name in names:
        for index, (low, high) in enumerate(pairwise(edges)):
            chosen = (species == name) & mobile & (layer == index)
            if chosen.any():
                share = float(inside[chosen].mean())
                note = f"atoms are in their layer for {100 * share:.0f} % of the run"
                yield f"{name}, {low:.1f}-{high:.1f} Å", chosen, (note,)
