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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from .errors import AnalysisError
from .frames import FloatArray, Segment
from .pair_counts import Bins, Counts, count_pairs
from .pairs import pair_name, parse_pair
from .peaks import broaden, first_peak
from .profiles import HeightProfile, profile_shells
from .rdf_result import Normalization, PairRdf, RdfResult
from .trajectory import Trajectory

__all__ = ["PairRdf", "RdfResult", "crystal_rdf", "partial_rdfs"]

BLOCKS = 5
"""Each window is cut in so many blocks, whose spread gives the error of its mean."""


def partial_rdfs(
    trajectory: Trajectory,
    pairs: Iterable[str | tuple[str, str]],
    *,
    cutoff: float = 8.0,
    bins: int = 200,
    windows: int = 10,
    normalization: Normalization = "cell",
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
        progress: called with the number of frames done since the last call.

    Raises:
        AnalysisError: there is no frame, a species is missing, a pair is not written
            as A-B, or the cutoff needs too many images.
    """
    wanted = [parse_pair(pair) for pair in pairs]
    if not wanted or windows < 1 or normalization not in ("cell", "profile"):
        raise AnalysisError(
            f"an RDF needs a pair, a window and a known normalization; got {wanted}, "
            f"{windows=}, {normalization=}"
        )
    if not len(trajectory):
        _ = trajectory.lattice  # raises, with the reason why there is no frame
    edges = _split(0, len(trajectory), windows)
    grid = Bins(cutoff, bins)
    sums = [
        [
            [_tally(trajectory.between(*block), pair, grid) for pair in wanted]
            for block in _told(_split(*window, BLOCKS), progress)
        ]
        for window in edges
    ]
    times = trajectory.times_fs
    return RdfResult(
        r=grid.centers,
        pairs={
            pair_name(pair): _pair_rdf(
                [[block[k] for block in window] for window in sums],
                grid,
                normalization,
            )
            for k, pair in enumerate(wanted)
        },
        windows_fs=tuple((float(times[a]), float(times[b - 1])) for a, b in edges),
        normalization=normalization,
        frames=len(trajectory),
        skipped=trajectory.skipped,
        sources=trajectory.sources,
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
    return RdfResult(
        result.r, warm, result.windows_fs, "cell", 1, result.skipped, result.sources
    )


@dataclass
class _Tally:
    """Sums over the frames of one block."""

    counts: Counts
    centers: int = 0  # A atoms, summed over frames
    even: float = 0.0  # sum over A atoms and frames of N_B / V, Å⁻³
    profile: HeightProfile = field(default_factory=HeightProfile)

    def __add__(self, other: _Tally) -> _Tally:
        return _Tally(
            self.counts + other.counts,
            self.centers + other.centers,
            self.even + other.even,
            self.profile + other.profile,
        )


def _split(start: int, stop: int, parts: int) -> list[tuple[int, int]]:
    """Return at most `parts` nonempty spans of about equal length."""
    parts = max(1, min(parts, stop - start))
    edges = [start + (stop - start) * k // parts for k in range(parts + 1)]
    return list(itertools.pairwise(edges))


def _told(
    spans: list[tuple[int, int]], progress: Callable[[int], None] | None
) -> Iterable[tuple[int, int]]:
    for start, stop in spans:
        yield start, stop
        if progress is not None:
            progress(stop - start)


def _tally(trajectory: Trajectory, pair: tuple[str, str], bins: Bins) -> _Tally:
    """Count one pair in all frames of a block."""
    first, second = (trajectory.indices(symbol) for symbol in pair)
    total = _Tally(np.zeros(bins.number, dtype=np.int64))
    for segment in trajectory.blocks():
        for piece in segment.constant_cells():
            lattice = piece.lattices[0]
            inverse = np.linalg.inv(lattice)
            a = piece.positions[:, first] @ inverse
            b = a if pair[0] == pair[1] else piece.positions[:, second] @ inverse
            counts = count_pairs(
                a, b, lattice, bins, same=pair[0] == pair[1], pbc=trajectory.pbc
            )
            centers = len(piece) * len(first)
            density = len(second) / abs(np.linalg.det(lattice))
            profile = HeightProfile.of(a, b, lattice)
            total += _Tally(counts, centers, centers * density, profile)
    return total


def _pair_rdf(
    windows: list[list[_Tally]], bins: Bins, normalization: Normalization
) -> PairRdf:
    totals = [sum(blocks[1:], blocks[0]) for blocks in windows]
    g = np.array([_g(total, bins, normalization) for total in totals])
    n = np.array([np.cumsum(total.counts) / total.centers for total in totals])
    errors = np.array(
        [_standard_error([_g(b, bins, normalization) for b in w]) for w in windows]
    )
    r = bins.centers
    peaks = tuple(first_peak(r, *row) for row in zip(g, n, errors, strict=True))
    return PairRdf(g, n, errors, peaks, np.array([total.counts for total in totals]))


def _g(total: _Tally, bins: Bins, normalization: Normalization) -> FloatArray:
    if normalization == "cell":
        return total.counts / (total.even * bins.shells)
    ideal = profile_shells(total.profile, bins.edges)
    return np.divide(total.counts, ideal, out=np.zeros(bins.number), where=ideal > 0)


def _standard_error(blocks: list[FloatArray]) -> FloatArray:
    if len(blocks) < 2:
        return np.full_like(blocks[0], np.nan)
    error: FloatArray = np.std(blocks, axis=0, ddof=1) / np.sqrt(len(blocks))
    return error
