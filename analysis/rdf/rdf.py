"""Partial radial distribution functions in time windows, with all periodic images.

`rdf` is the function one came for; `RunningRdf` takes frames as they come.
Conventions, for a pair "A-B":

    n(r)  mean number of B atoms closer than the upper edge of a bin around an A atom;
          needs no volume and is the primary result
    g(r)  counts over those of B atoms spread evenly ("cell": N_B / V of the whole cell,
          what published curves use), or over those of an ideal gas with the same
          density profiles along the plane normal ("profile": tends to 1 in a slab too)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionface.analysis.pairs import each_pair, pair_name, parse_pair
from ionface.analysis.rdf.kernels.counting import Backend, Pair, Tally, tally
from ionface.analysis.rdf.kernels.images import Bins, IntArray, heights
from ionface.analysis.rdf.normalization import HeightProfile, profile_shells
from ionface.analysis.rdf.rdf_result import (
    Normalization,
    PairRdf,
    RdfResult,
    broaden,
    first_peak,
)
from ionface.analysis.readers import open_trajectory
from ionface.analysis.result import Provenance, Windows
from ionface.analysis.statistics import mean_error
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

INTERVALS = 32
"""Each window is cut into so many intervals of frames, whose series gives the error of
the window's mean (see `statistics.mean_error`), correlations in time included: five
times what that needs, so that intervals may remember one another."""

MOST_WINDOWS = 10  # curves that can be told apart in one figure
FEWEST_FRAMES = 50  # in a window; of fewer, the height of a peak is mostly noise
SHORTEST_WINDOW_FS = 100.0  # a period of the ions: within it, they have not moved on


@dataclass(frozen=True)
class RdfSettings:
    """How pair distances are counted and averaged.

    Attributes:
        cutoff: Å; may exceed half the cell, every periodic image is counted.
        bins: number of equal bins from 0 to the cutoff.
        windows: of equal numbers of frames; fewer if there are fewer frames.
        normalization: what g(r) is divided by: "cell" or "profile", see above.
        threads: OMP_NUM_THREADS, or the cores that we may use, by default.
        backend: "numba", "numpy", or "auto": numba where it is installed and the work
            is worth loading it. All give the same counts.
    """

    cutoff: float = 8.0
    bins: int = 200
    windows: int = 10
    normalization: Normalization = "cell"
    threads: int | None = None
    backend: Backend = "auto"

    def __post_init__(self) -> None:
        """Refuse what gives no curve."""
        _ = self.distance_bins  # raises
        if self.windows < 1 or self.normalization not in ("cell", "profile"):
            raise AnalysisError(
                "an RDF needs at least one window and the normalization 'cell' or "
                f"'profile'; got windows={self.windows}, "
                f"normalization={self.normalization!r}"
            )

    @property
    def distance_bins(self) -> Bins:
        """Return the bins of the distances."""
        return Bins(self.cutoff, self.bins)


def suitable_windows(times_fs: FloatArray) -> int:
    """Return the number of windows that a run is long enough for.

    Args:
        times_fs: of the frames, fs, shape (n_frames,); NaN where they are unknown.
    """
    most = min(MOST_WINDOWS, len(times_fs) // FEWEST_FRAMES)
    span_fs = float(times_fs[-1] - times_fs[0]) if len(times_fs) else np.nan
    if np.isfinite(span_fs):
        most = min(most, int(span_fs // SHORTEST_WINDOW_FS))
    return max(1, most)


def rdf(
    trajectory: Any,
    pairs: str | Iterable[str | tuple[str, str]],
    settings: RdfSettings | None = None,
    *,
    progress: Callable[[int], None] | None = None,
    **options: Any,
) -> RdfResult:
    """Return the partial RDFs of a trajectory in equal windows of time.

    Args:
        trajectory: whatever `open_trajectory` takes: a path, several, a Trajectory, a
            list of Atoms, ... Positions may be wrapped or not; the cell may change; no
            time axis is needed.
        pairs: as in "In-S": neighbors S around each In.
        settings: cutoff, bins, windows, ...; the defaults if not given.
        progress: called with the number of frames done since the last call.
        options: single fields of `RdfSettings` instead of those of `settings`.

    Raises:
        AnalysisError: there is no frame, a species is missing, a pair is not written
            as A-B, or the cutoff needs too many images.

    >>> cell = np.diag([10.0, 10.0, 10.0])
    >>> run = Trajectory.from_arrays(["In", "S"], cell, [[[0, 0, 0], [2.6, 0, 0]]])
    >>> found = rdf(run, ["In-S"], cutoff=4.0, bins=40)
    >>> peak = found.pairs["In-S"].first_peaks[0]
    >>> round(peak.r, 2), peak.coordination
    (2.65, 1.0)
    """
    frames = open_trajectory(trajectory)
    _ = heights(frames.lattice)  # refuses a cell in which densities have no meaning
    settings = replace(settings or RdfSettings(), **options)
    wanted = _parsed(pairs)
    edges = even_edges(0, len(frames), settings.windows)
    counted = tally(
        frames,
        wanted,
        settings.distance_bins,
        edges=np.unique(np.concatenate(interval_edges(edges))),
        profiles=settings.normalization == "profile",
        threads=settings.threads,
        backend=settings.backend,
        progress=progress,
    )
    return RdfResult(
        r=counted.bins.centers,
        pairs=_pair_rdfs(counted, wanted, edges, settings.normalization),
        windows_fs=_windows(frames.times_or_nan_fs, frames.times_or_nan_fs, edges),
        normalization=settings.normalization,
        frames=len(frames),
        skipped=frames.skipped,
        provenance=Provenance.of(frames),
    )


def crystal_rdf(
    species: Sequence[str],
    lattice: ArrayLike,
    positions: ArrayLike,
    pairs: str | Iterable[str | tuple[str, str]],
    *,
    broadening: float = 0.0,
    source: str = "crystal",
    **options: Any,
) -> RdfResult:
    """Return the RDFs of a motionless crystal, the reference of a reaction product.

    Args:
        species: chemical symbol of each atom.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        positions: Cartesian, Å, shape (n_atoms, 3).
        pairs: as in "In-S".
        broadening: standard deviation of a Gaussian, Å, for drawing beside a warm
            crystal; 0 leaves the lines. n(r) stays that of the lines.
        source: what it is, for legends.
        options: fields of `RdfSettings`.

    Raises:
        AnalysisError: as `rdf`.

    >>> salt = crystal_rdf(
    ...     ["Na", "Cl"], 2.8 * (1 - np.eye(3)), [[0, 0, 0], [2.8, 0, 0]], ["Na-Cl"]
    ... )
    >>> salt.pairs["Na-Cl"].first_peaks[0].coordination
    6.0
    """
    still = Trajectory.from_arrays(
        species, lattice, np.asarray(positions)[None], sources=(source,)
    )
    result = rdf(still, pairs, **{**options, "windows": 1})
    if not broadening:
        return result
    # r²g is what counts atoms: smoothing it keeps their number.
    areas = result.r**2
    warm = {
        name: replace(
            pair, g=broaden(result.r, pair.g[0] * areas, broadening)[None] / areas
        )
        for name, pair in result.pairs.items()
    }
    return replace(result, pairs=warm)


def _parsed(pairs: str | Iterable[str | tuple[str, str]]) -> list[Pair]:
    parsed = [parse_pair(pair) for pair in each_pair(pairs)]
    if not parsed:
        raise AnalysisError("an RDF needs a pair; name at least one, as In-S")
    return parsed


def even_edges(start: int, stop: int, number: int) -> IntArray:
    """Return the edges of at most `number` nonempty runs of about equal length."""
    number = max(1, min(number, stop - start))
    return start + (stop - start) * np.arange(number + 1) // number


def interval_edges(edges: IntArray) -> list[IntArray]:
    """Return the edges of the intervals of each window, for error bars."""
    return [even_edges(a, b, INTERVALS) for a, b in itertools.pairwise(edges.tolist())]


def _windows(starts: FloatArray, ends: FloatArray, edges: IntArray) -> Windows:
    """Return first and last time of each window, of the times of what is between."""
    return tuple(
        (float(starts[a]), float(ends[b - 1]))
        for a, b in itertools.pairwise(edges.tolist())
    )


def _pair_rdfs(
    counted: Tally, pairs: list[Pair], edges: IntArray, normalization: Normalization
) -> dict[str, PairRdf]:
    """Return the RDF of each pair from counts in the intervals of the windows."""
    numbers = [len(each) - 1 for each in interval_edges(edges)]
    starts = np.cumsum([0, *numbers]).tolist()
    windows = [slice(a, b) for a, b in itertools.pairwise(starts)]
    return {
        pair_name(pair): _pair_rdf(counted, row, windows, normalization)
        for row, pair in enumerate(pairs)
    }


def _pair_rdf(
    counted: Tally, row: int, windows: list[slice], normalization: Normalization
) -> PairRdf:
    """Return the RDF of one pair; `windows` are the intervals of each."""
    counts = np.array([counted.counts[window, row].sum(axis=0) for window in windows])
    frames = np.array([counted.frames[window].sum() for window in windows])
    atoms = counted.atoms[counted.pairs[row][0]]
    n = np.cumsum(counts, axis=1) / (frames * atoms)[:, None]
    even = counted.even(row)
    curves = [_curve(counted, row, window, even, normalization) for window in windows]
    g = np.array([curve for curve, _ in curves])
    errors = _errors([intervals for _, intervals in curves])
    r = counted.bins.centers
    peaks = tuple(first_peak(r, *line) for line in zip(g, n, errors, strict=True))
    return PairRdf(g, n, errors, peaks, counts)


def _curve(
    counted: Tally,
    row: int,
    window: slice,
    even: FloatArray,
    normalization: Normalization,
) -> tuple[FloatArray, FloatArray]:
    """Return g(r) of a window, (n_bins,), and of its intervals, (n, n_bins)."""
    counts = counted.counts[window, row]
    if normalization == "cell":
        ideal = even[window]
    else:
        each = [counted.profiles[k, row] for k in range(window.start, window.stop)]
        profile = sum(each, HeightProfile())
        shells = profile_shells(profile, counted.bins.edges)
        # The window's profile serves all its intervals: theirs alone are too noisy.
        ideal = shells * (counted.frames[window] / profile.frames)[:, None]
    intervals = np.divide(counts, ideal, out=np.zeros(counts.shape), where=ideal > 0)
    whole = ideal.sum(axis=0)
    g = np.divide(counts.sum(axis=0), whole, out=np.zeros(len(whole)), where=whole > 0)
    return g, intervals


def _errors(windows: list[FloatArray]) -> FloatArray:
    """Return the standard error of each window from its intervals, (n, n_bins)."""
    if len({len(intervals) for intervals in windows}) == 1:
        return mean_error(np.stack(windows, axis=1))
    return np.array([mean_error(intervals) for intervals in windows])


class RunningRdf:
    """Partial RDFs of frames that come one by one; after any number, see `result`.

    Counts are kept for short intervals of frames. When there are too many of them,
    neighbors are added up and intervals are twice as long from then on: memory does not
    grow with the run, and since counts are whole numbers, nothing is lost but
    resolution in time.

    Attributes:
        frames: how many were added.
    """

    def __init__(
        self,
        species: Iterable[str],
        pairs: str | Iterable[str | tuple[str, str]],
        settings: RdfSettings | None = None,
        *,
        pbc: tuple[bool, bool, bool] = (True, True, True),
        sources: tuple[str, ...] = (),
        meta: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        """Begin without frames.

        Args:
            species: chemical symbol of each atom.
            pairs: as in "In-S".
            settings: cutoff, bins, windows; normalized by the cell.
            pbc: periodic along each cell vector.
            sources: the files that the frames come from.
            meta: what the writer left, as in `Trajectory`.
            options: single fields of `RdfSettings` instead of those of `settings`.

        Raises:
            AnalysisError: there is no pair or window, or a species is missing.
        """
        self._pairs = _parsed(pairs)
        self._settings = replace(settings or RdfSettings(), **options)
        self._empty = Trajectory(
            tuple(species), (), pbc=pbc, sources=sources, meta=meta or {}
        )
        symbols = set(itertools.chain(*self._pairs))
        self._atoms = {symbol: len(self._empty.indices(symbol)) for symbol in symbols}
        self._most = 2 * self._settings.windows * INTERVALS
        self._size = 1  # frames in an interval; the last one may have fewer
        bins = self._settings.bins
        self._counts = np.zeros((0, len(self._pairs), bins), dtype=np.int64)
        self._numbers = np.zeros(0, dtype=np.int64)
        self._density = np.zeros(0)
        self._times = np.zeros((0, 2))
        self.frames = 0

    def add(self, segment: Segment) -> None:
        """Count frames that follow those before.

        Raises:
            AnalysisError: a position is no number, or the cutoff needs too many images.
        """
        if not len(segment):
            return
        edges = self._edges(len(segment))
        new = Trajectory(self._empty.species, (segment,), pbc=self._empty.pbc)
        bins = self._settings.distance_bins
        counted = tally(new, self._pairs, bins, edges=edges)
        times = segment.times_fs
        spans = np.column_stack([times[edges[:-1]], times[edges[1:] - 1]])
        fills = len(self._numbers) and self._numbers[-1] < self._size
        if fills:
            self._counts[-1] += counted.counts[0]
            self._numbers[-1] += counted.frames[0]
            self._density[-1] += counted.density[0]
            self._times[-1, 1] = spans[0, 1]
        first = int(bool(fills))
        self._counts = np.concatenate([self._counts, counted.counts[first:]])
        self._numbers = np.concatenate([self._numbers, counted.frames[first:]])
        self._density = np.concatenate([self._density, counted.density[first:]])
        self._times = np.concatenate([self._times, spans[first:]])
        self.frames += len(segment)
        while len(self._numbers) > self._most:
            self._halve()

    def result(self) -> RdfResult:
        """Return the RDFs of all frames so far.

        As long as no intervals were added up, windows, errors and all are those of
        `rdf`; the sum of all counts always is.

        Raises:
            TrajectoryError: there is no frame.
        """
        if not self.frames:
            _ = self._empty.lattice  # raises
        edges = even_edges(0, len(self._numbers), self._settings.windows)
        starts = np.unique(np.concatenate(interval_edges(edges)))[:-1]
        counted = Tally(
            pairs=tuple(self._pairs),
            bins=self._settings.distance_bins,
            atoms=self._atoms,
            counts=np.add.reduceat(self._counts, starts),
            frames=np.add.reduceat(self._numbers, starts),
            density=np.add.reduceat(self._density, starts),
        )
        return RdfResult(
            r=counted.bins.centers,
            pairs=_pair_rdfs(counted, self._pairs, edges, "cell"),
            windows_fs=_windows(self._times[:, 0], self._times[:, 1], edges),
            normalization="cell",
            frames=self.frames,
            provenance=Provenance.of(self._empty),
        )

    def _edges(self, count: int) -> IntArray:
        """Return where intervals begin among new frames: the last one is filled up."""
        known = len(self._numbers) and self._size - int(self._numbers[-1])
        first = min(count, known) if known else min(count, self._size)
        return np.unique([0, *range(first, count, self._size), count])

    def _halve(self) -> None:
        """Add each second interval to the one before it."""
        starts = np.arange(0, len(self._numbers), 2)
        stops = np.append(starts[1:], len(self._numbers)) - 1
        self._counts = np.add.reduceat(self._counts, starts)
        self._numbers = np.add.reduceat(self._numbers, starts)
        self._density = np.add.reduceat(self._density, starts)
        self._times = np.column_stack([self._times[starts, 0], self._times[stops, 1]])
        self._size *= 2
