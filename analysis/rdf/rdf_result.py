"""What `rdf.partial_rdfs` returns, and its file, rdf.json."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ionface.analysis.rdf.kernels.counting import Counts
from ionface.analysis.rdf.peaks import Peak
from ionface.analysis.trajectory.frames import FloatArray, Skipped
from ionface.errors import AnalysisError
from ionface.files import write_atomically

Normalization = Literal["cell", "profile"]

NO_PEAK = dict.fromkeys(("r", "height", "minimum", "coordination"))
"""What a window without a peak says in the file."""


@dataclass(frozen=True)
class PairRdf:
    """One pair, one row per window.

    Attributes:
        g: shape (n_windows, n_bins).
        n: running coordination, shape (n_windows, n_bins).
        g_error: standard error of g, by blocking (`statistics.blocked_error`), shape
            (n_windows, n_bins); NaN in windows of a single frame.
        first_peaks: one per window; None where there is none.
        counts: ordered pairs, shape (n_windows, n_bins); None if read from a file.
    """

    g: FloatArray
    n: FloatArray
    g_error: FloatArray
    first_peaks: tuple[Peak | None, ...]
    counts: Counts | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RdfResult:
    """Partial RDFs of a trajectory.

    Attributes:
        r: centers of the bins, Å, shape (n_bins,).
        pairs: by name, as in "In-S".
        windows_fs: first and last time of each window, fs.
        normalization: "cell" or "profile".
        frames: number of frames in all windows.
        skipped: what the trajectory held but could not be used.
        sources: the files.
    """

    r: FloatArray
    pairs: Mapping[str, PairRdf]
    windows_fs: tuple[tuple[float, float], ...]
    normalization: Normalization
    frames: int
    skipped: Skipped = field(default_factory=Skipped)
    sources: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; unknown errors and absent peaks are null."""
        return {
            "pairs": {name: self._pair(pair) for name, pair in self.pairs.items()},
            "windows_fs": [list(window) for window in self.windows_fs],
            "normalization": self.normalization,
            "frames": self.frames,
            "skipped": {"count": self.skipped.count, "reason": self.skipped.reason},
            "sources": list(self.sources),
        }

    def _pair(self, pair: PairRdf) -> dict[str, Any]:
        peaks = [NO_PEAK if p is None else p.as_dict() for p in pair.first_peaks]
        return {
            "r": self.r.tolist(),
            "g": pair.g.tolist(),
            "n": pair.n.tolist(),
            "g_error": [[_nullable(x) for x in row] for row in pair.g_error],
            "first_peak": peaks,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RdfResult:
        """Return the result that `as_dict` wrote.

        Raises:
            AnalysisError: this is no RDF file.
        """
        try:
            pairs = {name: _read_pair(pair) for name, pair in data["pairs"].items()}
            return cls(
                r=np.array(next(iter(data["pairs"].values()))["r"], dtype=np.float64),
                pairs=pairs,
                windows_fs=tuple((w[0], w[1]) for w in data["windows_fs"]),
                normalization=data["normalization"],
                frames=data["frames"],
                skipped=Skipped(**data["skipped"]),
                sources=tuple(data["sources"]),
            )
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            raise AnalysisError(
                f"this is no RDF file of ionface ({error!r}); make one with "
                "`ionface analyze rdf`"
            ) from error

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON file in one piece.

        Raises:
            AnalysisError: the folder cannot be written.
        """
        write_atomically(path, json.dumps(self.as_dict()).encode())


def _nullable(x: float) -> float | None:
    return None if math.isnan(x) else float(x)


def _read_pair(pair: Mapping[str, Any]) -> PairRdf:
    peaks = tuple(None if p["r"] is None else Peak(**p) for p in pair["first_peak"])
    errors = np.array(pair["g_error"], dtype=np.float64)
    return PairRdf(np.array(pair["g"]), np.array(pair["n"]), errors, peaks)
