"""RDFs of frames that come one by one: each frame is counted once and let go.

Counts are kept for short blocks of frames. When there are too many blocks, neighbors
are added up and blocks are twice as long from then on: memory does not grow with the
run, and since counts are whole numbers, nothing is lost but resolution in time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.kernels.accumulate import Pair, Tally, tally
from ionface.analysis.rdf.kernels.images import Bins, IntArray
from ionface.analysis.rdf.rdf import BLOCKS, block_ends, even_ends, pair_rdf
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.trajectory.frames import FloatArray, Segment
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


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
            sources=self._empty.sources,
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
