"""Partial radial distribution functions in time windows, with all periodic images.

`partial_rdfs` is the function one came for. Conventions, for a pair "A-B":

    n(r)  mean number of B atoms closer than the upper edge of a bin around an A atom;
          needs no volume and is the primary result
    g(r)  counts over those of B atoms spread evenly ("cell": N_B / V of the whole cell,
          what published curves use), or over those of an ideal gas with the same
          density profiles along the plane normal ("profile": tends to 1 in a slab too)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.bonds import BondCounts, bond_lengths
from ionface.analysis.rdf.kernels.counting import Backend, Pair, Tally, tally
from ionface.analysis.rdf.kernels.images import Bins, IntArray
from ionface.analysis.rdf.normalization import HeightProfile, profile_shells
from ionface.analysis.rdf.peaks import broaden, first_peak
from ionface.analysis.rdf.rdf_result import Normalization, PairRdf, RdfResult
from ionface.analysis.result import Provenance
from ionface.analysis.statistics import blocked_error
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

__all__ = ["PairRdf", "RdfResult", "crystal_rdf", "partial_rdfs", "rdfs_and_bonds"]

BLOCKS = 32
"""Each window is cut in so many blocks; blocking their series gives the error of its
mean (see `statistics.blocked_error`), correlations in time included."""


def partial_rdfs(
    trajectory: Trajectory,
    pairs: Iterable[str | tuple[str, str]],
    *,
    cutoff: float = 8.0,
    bins: int = 200,
    windows: int = 10,
    normalization: Normalization = "cell",
    threads: int | None = None,
    backend: Backend = "auto",
    progress: Callable[[int], None] | None = None,
) -> RdfResult:
    """Return the partial RDFs of a trajectory in equal windows of time.

    Args:
        trajectory: positions may be wrapped or not; the cell may change.
        pairs: as in "In-S": neighbors S around each In.
        cutoff: Å; may exceed half the cell, every periodic image is counted.
        bins: number of bins from 0 to the cutoff.
        windows: number of windows; fewer if there are fewer frames.
        normalization: "cell" or "profile", see above.
        threads: as in `kernels.counting.tally`.
        backend: as in `kernels.counting.count_block`; all give the same counts.
        progress: called with the number of frames done since the last call.

    Raises:
        AnalysisError: there is no frame, a species is missing, a pair is not written
            as A-B, or the cutoff needs too many images.
    """
    return rdfs_and_bonds(
        trajectory,
        pairs,
        {},
        cutoff=cutoff,
        bins=bins,
        windows=windows,
        normalization=normalization,
        threads=threads,
        backend=backend,
        progress=progress,
    )[0]


def rdfs_and_bonds(
    trajectory: Trajectory,
    pairs: Iterable[str | tuple[str, str]],
    bonds: Iterable[str | tuple[str, str]] | Mapping[str, float] | None = None,
    *,
    cutoff: float = 8.0,
    bins: int = 200,
    windows: int = 10,
    normalization: Normalization = "cell",
    threads: int | None = None,
    backend: Backend = "auto",
    progress: Callable[[int], None] | None = None,
) -> tuple[RdfResult, BondCounts]:
    """Return `partial_rdfs` and `bonds.bond_counts` of one pass over the trajectory.

    Args:
        trajectory: as in `partial_rdfs`.
        pairs: of the RDFs.
        bonds: pairs whose bonds are counted, or their lengths in Å by pair; those of
            the RDFs if not given.
        cutoff: as in `partial_rdfs`, Å.
        bins: as in `partial_rdfs`.
        windows: as in `partial_rdfs`.
        normalization: as in `partial_rdfs`.
        threads: as in `partial_rdfs`.
        backend: as in `partial_rdfs`.
        progress: as in `partial_rdfs`.

    Raises:
        AnalysisError: as `partial_rdfs`, or a bond length is not positive.
    """
    wanted = [parse_pair(pair) for pair in pairs]
    if not wanted or windows < 1 or normalization not in ("cell", "profile"):
        raise AnalysisError(
            f"an RDF needs a pair, a window and a known normalization; got {wanted}, "
            f"{windows=}, {normalization=}"
        )
    lengths = bond_lengths(wanted if bonds is None else bonds)
    every = [*wanted, *(parse_pair(name) for name in lengths)]
    ends = even_ends(0, len(trajectory), windows)
    found = tally(
        trajectory,
        every,
        Bins(cutoff, bins),
        edges=np.unique(np.concatenate(block_ends(ends))),
        bonds=[0.0] * len(wanted) + list(lengths.values()),
        profiles=normalization == "profile",
        threads=threads,
        backend=backend,
        progress=progress,
    )
    return (
        _result(trajectory, found, len(wanted), ends, normalization),
        BondCounts.of(trajectory, lengths, found.bonds[len(wanted) :]),
    )


def crystal_rdf(
    species: Sequence[str],
    lattice: ArrayLike,
    positions: ArrayLike,
    pairs: Iterable[str | tuple[str, str]],
    *,
    cutoff: float = 8.0,
    bins: int = 200,
    broadening: float = 0.0,
    source: str = "crystal",
) -> RdfResult:
    """Return the RDFs of a motionless crystal, the reference of a reaction product.

    Args:
        species: chemical symbol of each atom.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        positions: Cartesian, Å, shape (n_atoms, 3).
        pairs: as in "In-S".
        cutoff: Å.
        bins: number of bins from 0 to the cutoff.
        broadening: standard deviation of a Gaussian, Å, for drawing beside a warm
            crystal; 0 leaves the lines. n(r) stays that of the lines.
        source: what it is, for legends.

    Raises:
        AnalysisError: as `partial_rdfs`.
    """
    segment = Segment(
        steps=np.zeros(1, dtype=np.int64),
        times_fs=np.zeros(1),
        lattices=np.asarray(lattice, dtype=np.float64)[None],
        positions=np.asarray(positions, dtype=np.float64)[None],
    )
    still = Trajectory(tuple(species), (segment,), sources=(source,))
    result = partial_rdfs(still, pairs, cutoff=cutoff, bins=bins, windows=1)
    if not broadening:
        return result
    warm = {
        name: PairRdf(
            # r²g is what counts atoms: smoothing it keeps their number.
            g=broaden(result.r, pair.g[0] * result.r**2, broadening)[None]
            / result.r**2,
            n=pair.n,
            g_error=pair.g_error,
            first_peaks=pair.first_peaks,
        )
        for name, pair in result.pairs.items()
    }
    return replace(result, pairs=warm)


def even_ends(start: int, stop: int, parts: int) -> IntArray:
    """Return the ends of at most `parts` nonempty spans of about equal length."""
    parts = max(1, min(parts, stop - start))
    return start + (stop - start) * np.arange(parts + 1) // parts


def block_ends(ends: IntArray) -> list[IntArray]:
    """Return the ends of the blocks of each window, for error bars."""
    return [even_ends(a, b, BLOCKS) for a, b in itertools.pairwise(ends.tolist())]


def _result(
    trajectory: Trajectory,
    found: Tally,
    n_pairs: int,
    ends: IntArray,
    normalization: Normalization,
) -> RdfResult:
    numbers = [len(blocks) - 1 for blocks in block_ends(ends)]
    starts = np.cumsum([0, *numbers])
    spans = [slice(a, b) for a, b in itertools.pairwise(starts.tolist())]
    times = trajectory.times_or_nan_fs
    return RdfResult(
        r=found.bins.centers,
        pairs={
            pair_name(found.pairs[row]): pair_rdf(found, row, spans, normalization)
            for row in range(n_pairs)
        },
        windows_fs=tuple(
            (float(times[a]), float(times[b - 1]))
            for a, b in itertools.pairwise(ends.tolist())
        ),
        normalization=normalization,
        frames=len(trajectory),
        skipped=trajectory.skipped,
        provenance=Provenance.of(trajectory),
    )


def pair_rdf(
    found: Tally, row: int, spans: list[slice], normalization: Normalization
) -> PairRdf:
    """Return the RDF of one pair from counts in blocks of frames.

    Args:
        found: counts, one entry per block.
        row: which pair.
        spans: the blocks of each window.
        normalization: what g(r) is divided by.
    """
    counts = np.array([found.counts[span, row].sum(axis=0) for span in spans])
    frames = np.array([found.frames[span].sum() for span in spans])
    atoms = found.atoms[found.pairs[row][0]]
    n = np.cumsum(counts, axis=1) / (frames * atoms)[:, None]
    even = found.even(row)
    curves = [_curve(found, row, span, even, normalization) for span in spans]
    g = np.array([curve for curve, _ in curves])
    errors = _errors([blocks for _, blocks in curves])
    r = found.bins.centers
    peaks = tuple(first_peak(r, *line) for line in zip(g, n, errors, strict=True))
    return PairRdf(g, n, errors, peaks, counts)


def _curve(
    found: Tally,
    row: int,
    span: slice,
    even: FloatArray,
    normalization: Normalization,
) -> tuple[FloatArray, FloatArray]:
    """Return g(r) of a window, (n_bins,), and of its blocks, (n_blocks, n_bins)."""
    counts = found.counts[span, row]
    if normalization == "cell":
        ideal = even[span]
    else:
        stretches = range(span.start, span.stop)
        profile = sum((found.profiles[k, row] for k in stretches), HeightProfile())
        shells = profile_shells(profile, found.bins.edges)
        # The profile of the window serves all its blocks: theirs alone are too noisy.
        ideal = shells * (found.frames[span] / profile.frames)[:, None]
    blocks = np.divide(counts, ideal, out=np.zeros(counts.shape), where=ideal > 0)
    whole = ideal.sum(axis=0)
    g = np.divide(counts.sum(axis=0), whole, out=np.zeros(len(whole)), where=whole > 0)
    return g, blocks


def _errors(windows: list[FloatArray]) -> FloatArray:
    """Return the standard error of each window from its blocks, (n_windows, n_bins)."""
    if len({len(blocks) for blocks in windows}) == 1:
        return blocked_error(np.stack(windows, axis=1))
    return np.array([blocked_error(blocks) for blocks in windows])


class RunningRdf:
    """Partial RDFs of all frames so far; after any number of frames, see `result`.

    Attributes:
        frames: how many were added.
    """

    def __init__(
        self,
        species: Iterable[str],
        pairs: Iterable[str],
        *,
        cutoff: float = 8.0,
        bins: int = 200,
        windows: int = 20,
        pbc: tuple[bool, bool, bool] = (True, True, True),
        sources: tuple[str, ...] = (),
    ) -> None:
        """Begin without frames.

        Args:
            species: chemical symbol of each atom.
            pairs: as in "In-S".
            cutoff: Å; may exceed half the cell.
            bins: number of bins from 0 to the cutoff.
            windows: at most so many windows of time.
            pbc: periodic along each cell vector.
            sources: the files that the frames come from.

        Raises:
            AnalysisError: there is no pair or window, or a species is missing.
        """
        self._pairs: list[Pair] = [parse_pair(pair) for pair in pairs]
        if not self._pairs or windows < 1:
            raise AnalysisError(
                f"an RDF needs a pair and a window; got {self._pairs}, {windows=}"
            )
        self._empty = Trajectory(tuple(species), (), pbc=pbc, sources=sources)
        symbols = set(itertools.chain(*self._pairs))
        self._atoms = {symbol: len(self._empty.indices(symbol)) for symbol in symbols}
        self._bins, self._windows = Bins(cutoff, bins), windows
        self._most = 2 * windows * BLOCKS
        self._size = 1  # frames in a block; the last block may have fewer
        self._counts = np.zeros((0, len(self._pairs), bins), dtype=np.int64)
        self._numbers = np.zeros(0, dtype=np.int64)
        self._density = np.zeros(0)
        self._spans = np.zeros((0, 2))
        self.frames = 0

    def add(self, segment: Segment) -> None:
        """Count frames that follow those before.

        Raises:
            AnalysisError: a position is no number, or the cutoff needs too many images.
        """
        if not len(segment):
            return
        edges = self._edges(len(segment))
        part = Trajectory(self._empty.species, (segment,), pbc=self._empty.pbc)
        found = tally(part, self._pairs, self._bins, edges=edges)
        times = segment.times_fs
        spans = np.column_stack([times[edges[:-1]], times[edges[1:] - 1]])
        if len(self._numbers) and self._numbers[-1] < self._size:
            self._counts[-1] += found.counts[0]
            self._numbers[-1] += found.frames[0]
            self._density[-1] += found.density[0]
            self._spans[-1, 1] = spans[0, 1]
            self._append(found, spans, 1)
        else:
            self._append(found, spans, 0)
        self.frames += len(segment)
        while len(self._numbers) > self._most:
            self._halve()

    def result(self) -> RdfResult:
        """Return the RDFs of all frames so far.

        As long as no blocks were added up, windows, errors and all are those of
        `rdf.partial_rdfs`; the sum of all counts always is.

        Raises:
            TrajectoryError: there is no frame.
        """
        if not self.frames:
            _ = self._empty.lattice  # raises
        ends = even_ends(0, len(self._numbers), self._windows)
        blocks = block_ends(ends)
        edges = np.unique(np.concatenate(blocks))
        found = Tally(
            pairs=tuple(self._pairs),
            bins=self._bins,
            atoms=self._atoms,
            counts=np.add.reduceat(self._counts, edges[:-1]),
            bonds=np.zeros((len(self._pairs), 0), dtype=np.int64),
            frames=np.add.reduceat(self._numbers, edges[:-1]),
            density=np.add.reduceat(self._density, edges[:-1]),
        )
        starts = np.cumsum([0, *(len(part) - 1 for part in blocks)]).tolist()
        spans = [slice(a, b) for a, b in itertools.pairwise(starts)]
        return RdfResult(
            r=self._bins.centers,
            pairs={
                pair_name(pair): pair_rdf(found, row, spans, "cell")
                for row, pair in enumerate(self._pairs)
            },
            windows_fs=tuple(
                (float(self._spans[a, 0]), float(self._spans[b - 1, 1]))
                for a, b in itertools.pairwise(ends.tolist())
            ),
            normalization="cell",
            frames=self.frames,
            provenance=Provenance.of(self._empty),
        )

    def _edges(self, count: int) -> IntArray:
        """Return where blocks begin among new frames: the last block is filled up."""
        known = len(self._numbers) and self._size - int(self._numbers[-1])
        first = min(count, known) if known else min(count, self._size)
        return np.unique([0, *range(first, count, self._size), count])

    def _append(self, found: Tally, spans: FloatArray, start: int) -> None:
        self._counts = np.concatenate([self._counts, found.counts[start:]])
        self._numbers = np.concatenate([self._numbers, found.frames[start:]])
        self._density = np.concatenate([self._density, found.density[start:]])
        self._spans = np.concatenate([self._spans, spans[start:]])

    def _halve(self) -> None:
        """Add each second block to the one before it."""
        starts = np.arange(0, len(self._numbers), 2)
        stops = np.append(starts[1:], len(self._numbers)) - 1
        self._counts = np.add.reduceat(self._counts, starts)
        self._numbers = np.add.reduceat(self._numbers, starts)
        self._density = np.add.reduceat(self._density, starts)
        self._spans = np.column_stack([self._spans[starts, 0], self._spans[stops, 1]])
        self._size *= 2
