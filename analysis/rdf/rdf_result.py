"""What `rdf.rdf` returns, its file, rdf.json, and the first peak of a g(r)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np

from ionface.analysis.rdf.kernels.images import Counts
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
    units: ClassVar[Mapping[str, str]] = {
        "r": "Å",
        "g": "1",
        "g_error": "1",
        "n": "atoms",
        "minimum": "Å",
        "coordination": "atoms",
    }

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


# --- the first peak of a g(r) ---------------------------------------------------------

SMOOTHING = 0.08
"""Width (standard deviation) of the Gaussian that a g(r) is smoothed with, Å, a little
narrower than a bond at 300 K."""

PROMINENCE = 0.05
"""A peak rises above its surroundings by this part of the highest value: a first shell
is never so low beside the next ones, ripples of a well-averaged g(r) are lower."""

ERRORS = 2.0
"""A peak rises above its surroundings by so many standard errors of the smoothed g: a
ripple does so once in twenty places, and few of them lie before a first shell."""

NARROW = 0.2
"""Widths in bins below which a Gaussian leaves its bin alone: neighbors would get less
than exp(-12) of it."""


@dataclass(frozen=True)
class Peak:
    """A maximum of g(r).

    Attributes:
        r: its position, Å.
        height: of g there.
        minimum: the first minimum behind it, Å.
        coordination: n(r) at that minimum, neighbors per atom of the first species.
    """

    r: float
    height: float
    minimum: float
    coordination: float


def first_peak(
    r: FloatArray, g: FloatArray, n: FloatArray, error: FloatArray
) -> Peak | None:
    """Return the first peak that stands out of noise and ripples, or None.

    Args:
        r: centers of equal bins, Å, shape (n_bins,).
        g: shape (n_bins,).
        n: running coordination up to each bin's upper edge, shape (n_bins,).
        error: standard error of g, shape (n_bins,); NaN where unknown.
    """
    from scipy.signal import find_peaks  # its import takes longer than an analysis

    smooth = broaden(r, g, SMOOTHING)
    if not smooth.max() > 0:
        return None
    # A zero on both sides lets a peak in the first or last bin count.
    padded = np.concatenate([[0.0], smooth, [0.0]])
    tops, found = find_peaks(padded, prominence=PROMINENCE * float(smooth.max()))
    noise = np.concatenate([[0.0], smoothed_error(r, error), [0.0]])
    strong = tops[found["prominences"] > ERRORS * noise[tops]] - 1
    strong = strong[strong < len(r) - 1]  # a rise that the cutoff ends is no peak
    if not len(strong):
        return None
    top = int(strong[0])
    following = int(strong[1]) if len(strong) > 1 else len(r)
    low = top + int(np.argmin(smooth[top:following]))
    near = slice(max(0, top - 2), top + 3)
    return Peak(
        r=_vertex(r, smooth, top),
        height=float(g[near].max()),
        minimum=float(r[low]),
        coordination=float(n[low]),
    )


def broaden(r: FloatArray, g: FloatArray, sigma: float) -> FloatArray:
    """Return g smoothed with a Gaussian that keeps its sum.

    Args:
        r: centers of equal bins, Å, shape (n_bins,).
        g: any density per r, shape (n_bins,).
        sigma: standard deviation, Å.
    """
    from scipy.ndimage import gaussian_filter1d  # 0.4 s, which no other command pays

    width = sigma / (r[1] - r[0]) if len(r) > 1 else 0.0
    if width < NARROW:
        return np.array(g, dtype=np.float64)
    g = np.asarray(g, dtype=np.float64)
    smooth: FloatArray = gaussian_filter1d(g, width, mode="reflect", truncate=6.0)
    return smooth


def smoothed_error(r: FloatArray, error: FloatArray) -> FloatArray:
    """Return the standard error of the smoothed g, from that of independent bins.

    The squares of a Gaussian's weights are a Gaussian that is narrower by √2 and has a
    sum of width / (2 √π σ).
    """
    variance = broaden(r, np.nan_to_num(error) ** 2, SMOOTHING / np.sqrt(2))
    weight = (r[1] - r[0]) / (2 * np.sqrt(np.pi) * SMOOTHING) if len(r) > 1 else 1.0
    return np.asarray(np.sqrt(variance * min(1.0, weight)), dtype=np.float64)


def _vertex(r: FloatArray, g: FloatArray, top: int) -> float:
    """Return the vertex of the parabola through a maximum and its neighbors, Å."""
    if not 0 < top < len(r) - 1:
        return float(r[top])
    left, middle, right = g[top - 1 : top + 2]
    curvature = left - 2 * middle + right
    offset = 0.5 * (left - right) / curvature if curvature else 0.0
    return float(r[top] + offset * (r[1] - r[0]))
