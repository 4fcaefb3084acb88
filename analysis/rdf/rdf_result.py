"""What `rdf.rdf` returns, and its file, rdf.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np

from ionface.analysis.rdf.kernels.images import Counts
from ionface.analysis.rdf.peaks import Peak
from ionface.analysis.result import Provenance, Result, Windows, plain, windows_of
from ionface.analysis.trajectory.frames import FloatArray, Skipped

Normalization = Literal["cell", "profile"]

NO_PEAK = dict.fromkeys(("r", "height", "minimum", "coordination"))
"""What a window without a peak says in the file."""


@dataclass(frozen=True)
class PairRdf:
    """One pair, one row per window.

    Attributes:
        g: shape (n_windows, n_bins).
        n: running coordination, shape (n_windows, n_bins).
        g_error: standard error of g (`statistics.mean_error`), shape (n_windows,
            n_bins); NaN in windows that are too short to tell.
        first_peaks: one per window; None where there is none.
        counts: ordered pairs, shape (n_windows, n_bins); None if read from a file.
    """

    g: FloatArray
    n: FloatArray
    g_error: FloatArray
    first_peaks: tuple[Peak | None, ...]
    counts: Counts | None = field(default=None, compare=False)


@dataclass(frozen=True, repr=False)
class RdfResult(Result):
    """Partial RDFs of a trajectory.

    Attributes:
        r: centers of the bins, Å, shape (n_bins,).
        pairs: by name, as in "In-S".
        windows_fs: first and last time of each window, fs; NaN without a time axis.
        normalization: "cell" or "profile".
        frames: number of frames in all windows.
        skipped: what the trajectory held but could not be used.
        references: RDFs of crystals that it is compared with, by name.
    """

    kind: ClassVar[str] = "rdf"
    figure: ClassVar[str] = "ionface.analysis.figures.rdf_figure:figure_rdf"

    r: FloatArray
    pairs: Mapping[str, PairRdf]
    windows_fs: Windows
    normalization: Normalization
    frames: int
    skipped: Skipped = field(default_factory=Skipped)
    references: Mapping[str, RdfResult] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """Return plain JSON values; unknown errors and absent peaks are null."""
        references = {name: rdf.as_dict() for name, rdf in self.references.items()}
        return {
            "pairs": {name: self._pair(pair) for name, pair in self.pairs.items()},
            "windows_fs": plain(self.windows_fs),
            "normalization": self.normalization,
            "frames": self.frames,
            "skipped": plain(self.skipped),
            **({"references": references} if references else {}),
        }

    def _pair(self, pair: PairRdf) -> dict[str, Any]:
        peaks = [NO_PEAK if peak is None else plain(peak) for peak in pair.first_peaks]
        return {
            "r": self.r.tolist(),
            "g": pair.g.tolist(),
            "n": pair.n.tolist(),
            "g_error": plain(pair.g_error),
            "first_peak": peaks,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the result that `values` wrote."""
        references = data.get("references", {})
        return cls(
            r=np.array(next(iter(data["pairs"].values()))["r"], dtype=np.float64),
            pairs={name: _restored(pair) for name, pair in data["pairs"].items()},
            windows_fs=windows_of(data["windows_fs"]),
            normalization=data["normalization"],
            frames=data["frames"],
            skipped=Skipped(**data["skipped"]),
            references={name: cls.from_dict(rdf) for name, rdf in references.items()},
            provenance=provenance,
        )

    def rows(self) -> Iterator[dict[str, float]]:
        """Yield one row per window and distance."""
        for window, (start, end) in enumerate(self.windows_fs):
            for k, r in enumerate(self.r):
                row = {"start_fs": start, "end_fs": end, "r (Å)": float(r)}
                for name, pair in self.pairs.items():
                    row[f"{name} g"] = float(pair.g[window, k])
                    row[f"{name} g error"] = float(pair.g_error[window, k])
                    row[f"{name} n"] = float(pair.n[window, k])
                yield row

    def summary(self) -> str:
        """Return the pairs, windows and frames."""
        return (
            f"{', '.join(self.pairs)} in {len(self.windows_fs)} windows of "
            f"{self.frames} frames"
        )


def _restored(pair: Mapping[str, Any]) -> PairRdf:
    peaks = tuple(None if p["r"] is None else Peak(**p) for p in pair["first_peak"])
    errors = np.array(pair["g_error"], dtype=np.float64)
    return PairRdf(np.array(pair["g"]), np.array(pair["n"]), errors, peaks)
