"""How wide the region is where two phases have mixed, and how it grows.

Two definitions, both reported. The width is the distance between 10 % and 90 % of the
error function fitted to the share of the first phase (see `fronts`). The overlap is the
height in which both phases' markers exceed a tenth of the density that they have alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionface.analysis.diffusion.drift import Drift
from ionface.analysis.interphase.density_profiles import Profiles, blurred, profiles
from ionface.analysis.interphase.erf_profile_fit import find_block, fit_fronts, overlap
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

PARTS = 4
"""Each window is fitted in so many parts; their scatter is its error."""

LAYER = 1.0
"""Å: smearing before the overlap is measured, half the spacing of atomic layers."""


@dataclass(frozen=True)
class Growth:
    """How fast a width grows.

    Attributes:
        rate: Å/ps, as if it grew in proportion to time.
        rate_error: standard error, Å/ps.
        parabolic: of the width squared, Å²/ps, as behind a diffusing front.
        parabolic_error: standard error, Å²/ps.
    """

    rate: float
    rate_error: float
    parabolic: float
    parabolic_error: float


@dataclass(frozen=True)
class Interphase:
    """Width of the mixed region in windows of time.

    Attributes:
        first: marker species of the first phase.
        second: marker species of the second.
        windows_fs: first and last time, fs.
        positions: of the fronts, Å over the a-b plane, the lower end of the first phase
            before its upper end, shape (n_windows, n_fronts).
        widths: 10-90 width of each front, Å, shape (n_windows, n_fronts).
        errors: standard errors of the widths, Å, with the spacing of the atomic layers
            that no width resolves, shape (n_windows, n_fronts).
        overlaps: height that holds both, all fronts together, Å, shape (n_windows,).
        growth: of each front; empty for fewer than three windows.
        notes: what else one should know.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    windows_fs: tuple[tuple[float, float], ...]
    positions: FloatArray
    widths: FloatArray
    errors: FloatArray
    overlaps: FloatArray
    growth: tuple[Growth, ...] = ()
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per window, for a table."""
        for index, (start, end) in enumerate(self.windows_fs):
            row = {"start_fs": start, "end_fs": end}
            for front in range(self.widths.shape[1]):
                row[f"front {front + 1} position (Å)"] = self.positions[index, front]
                row[f"front {front + 1} width (Å)"] = self.widths[index, front]
                row[f"front {front + 1} error (Å)"] = self.errors[index, front]
            row["overlap (Å)"] = self.overlaps[index]
            yield {name: float(value) for name, value in row.items()}

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "first": list(self.first),
            "second": list(self.second),
            "windows_fs": [list(window) for window in self.windows_fs],
            "positions": self.positions.tolist(),
            "widths": self.widths.tolist(),
            "errors": self.errors.tolist(),
            "overlaps": self.overlaps.tolist(),
            "growth": [
                {
                    "rate_a_per_ps": g.rate,
                    "rate_error": g.rate_error,
                    "parabolic_a2_per_ps": g.parabolic,
                    "parabolic_error": g.parabolic_error,
                }
                for g in self.growth
            ],
            "notes": list(self.notes),
        }


def interphase(
    trajectory: Trajectory,
    first: Sequence[str],
    second: Sequence[str],
    *,
    windows: int = 10,
    resolution: float = 0.1,
    drift: Drift = "auto",
) -> Interphase:
    """Return how wide the region is where two phases have mixed, against time.

    Args:
        trajectory: wrapped or not.
        first: species that only the first phase has at the start, its markers.
        second: those of the second phase.
        windows: of time.
        resolution: of the counts, Å.
        drift: see `drift.reference`.

    Raises:
        AnalysisError: a species marks both phases, is missing, or the phases are apart.
    """
    if not first or not second or set(first) & set(second):
        raise AnalysisError(
            f"each phase needs marker species of its own, got {list(first)} and "
            f"{list(second)}"
        )
    windows = max(1, min(windows, len(trajectory)))
    parts = max(1, min(PARTS, len(trajectory) // windows))
    found = profiles(
        trajectory,
        [*first, *second],
        resolution=resolution,
        windows=windows * parts,
        smearing=0.0,
        drift=drift,
    )
    return interphase_of(found, first, second, parts=parts)


def interphase_of(
    found: Profiles, first: Sequence[str], second: Sequence[str], *, parts: int = 1
) -> Interphase:
    """Return the same from profiles without smearing.

    Args:
        found: with `parts` times as many windows as wanted.
        first: marker species of the first phase.
        second: those of the second.
        parts: of each window, whose scatter gives its error.

    Raises:
        AnalysisError: a phase has no marker, or both are apart.
    """
    frames = np.array(found.frames, dtype=np.float64)[:, None] * found.slice_volume
    a, b = (
        sum(found.densities[s] for s in names) * frames for names in (first, second)
    )
    a, b = (v.reshape(-1, parts, v.shape[-1]) for v in (np.asarray(a), np.asarray(b)))
    fits = [_window(x, y, found) for x, y in zip(a, b, strict=True)]
    number = min(len(widths) for _, widths, _, _ in fits)
    notes = []
    if any(len(widths) != number for _, widths, _, _ in fits):
        notes.append(
            "the number of fronts changes with time; only the common ones count"
        )
    widths = np.array([w[:number] for _, w, _, _ in fits])
    errors = np.array([e[:number] for _, _, e, _ in fits])
    spans = found.windows_fs
    times = tuple(
        (spans[i][0], spans[i + parts - 1][1]) for i in range(0, len(spans), parts)
    )
    middles = np.mean(times, axis=1) / 1000.0
    growth = [_growth(middles, widths[:, i], errors[:, i]) for i in range(number)]
    return Interphase(
        first=tuple(first),
        second=tuple(second),
        windows_fs=times,
        positions=np.array([p[:number] for p, _, _, _ in fits]),
        widths=widths,
        errors=errors,
        overlaps=np.array([o for _, _, _, o in fits]),
        growth=tuple(growth) if len(times) >= 3 else (),
        notes=tuple(notes),
    )


def _window(
    a: FloatArray, b: FloatArray, found: Profiles
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return positions, widths, errors and overlap of one window of several parts."""
    whole = fit_fronts(a.sum(0), b.sum(0), found.height, periodic=found.periodic)
    scatter: list[list[float]] = []
    for x, y in zip(a, b, strict=True):
        part = fit_fronts(x, y, found.height, periodic=found.periodic)
        if len(part) == len(whole):
            scatter.append([front.width for front in part])
    if len(scatter) > 1:
        noise = np.std(scatter, axis=0, ddof=1) / np.sqrt(len(scatter))
    else:
        noise = np.zeros(len(whole))
    layers = np.array([front.gap for front in whole]) / np.sqrt(12)
    sigma = LAYER * a.shape[1] / found.height
    x, y = (blurred(v.sum(0), sigma, periodic=found.periodic) for v in (a, b))
    block = find_block(x, y, periodic=found.periodic)
    return (
        np.array([front.position for front in whole]),
        np.array([front.width for front in whole]),
        np.asarray(np.hypot(noise, layers), dtype=np.float64),
        overlap(x, y, block, found.height),
    )


def _growth(times: FloatArray, widths: FloatArray, errors: FloatArray) -> Growth:
    rate, rate_error = _slope(times, widths, errors)
    squares, square_error = _slope(times, widths**2, 2 * widths * errors)
    return Growth(rate, rate_error, squares, square_error)


def _slope(x: FloatArray, y: FloatArray, errors: FloatArray) -> tuple[float, float]:
    """Return a slope and its standard error, from the given errors or the scatter."""
    if len(x) < 3:
        return np.nan, np.nan
    centered = x - x.mean()
    norm = float(centered @ centered)
    slope = float(centered @ y) / norm
    rest = y - y.mean() - slope * centered
    scatter = np.sqrt(float(rest @ rest) / (len(x) - 2) / norm)
    given = np.sqrt(float((centered**2) @ (errors**2))) / norm
    return slope, float(max(scatter, given))
