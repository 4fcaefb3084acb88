"""A diffusion coefficient with its error bar and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CM2_PER_S = 0.1
"""cm²/s in one Å²/fs: 1e-16 cm² per 1e-15 s."""


@dataclass(frozen=True)
class Diffusion:
    """A diffusion coefficient, or how large it can be at most.

    Attributes:
        species: of the atoms, or what the caller calls them.
        direction: '3d', 'in-plane' or 'normal'.
        coefficient: D, Å²/fs; means something only if `diffusive`.
        error: standard error, Å²/fs.
        interval: 95 % confidence, Å²/fs; not symmetric for few atoms.
        exponent: d ln MSD / d ln t in the window: 1 for diffusion, 0 for a cage, 2 for
            free flight.
        exponent_error: its standard error.
        beyond_site: the exponent of what the MSD has above `offset`, if the offset is
            no larger than the motion within a site can be.
        diffusive: whether the motion is shown to be diffusive.
        verdict: 'diffusive', or 'not diffusive: ...' and why.
        upper_bound: D is smaller with 95 % confidence, Å²/fs, None where the motion
            still speeds up, so that there is no bound.
        msd_end: MSD at the end of the window, Å².
        window_fs: lags of the fit, fs.
        atoms: how many.
        collective: variance of the mean over that of independent atoms, at least 1.
        offset: MSD that the fitted line has at lag zero, Å²: the motion within a site.
        drift: what was subtracted, in words.
        notes: what else one should know.
    """

    species: str
    direction: str
    coefficient: float
    error: float
    interval: tuple[float, float]
    exponent: float
    exponent_error: float
    beyond_site: float
    diffusive: bool
    verdict: str
    upper_bound: float | None
    msd_end: float
    window_fs: tuple[float, float]
    atoms: int
    collective: float
    offset: float = 0.0
    drift: str = ""
    notes: tuple[str, ...] = ()

    @property
    def cm2_per_s(self) -> float:
        """Return D in cm²/s."""
        return self.coefficient * CM2_PER_S

    @property
    def error_cm2_per_s(self) -> float:
        """Return the standard error in cm²/s."""
        return self.error * CM2_PER_S

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a coefficient that has no meaning is null."""
        low, high = self.interval
        bound = self.upper_bound
        return {
            "species": self.species,
            "direction": self.direction,
            "d_a2_per_fs": self.coefficient if self.diffusive else None,
            "d_cm2_per_s": self.cm2_per_s if self.diffusive else None,
            "d_error_cm2_per_s": self.error_cm2_per_s if self.diffusive else None,
            "d_interval_cm2_per_s": [low * CM2_PER_S, high * CM2_PER_S]
            if self.diffusive
            else None,
            "d_upper_bound_cm2_per_s": None if bound is None else bound * CM2_PER_S,
            "exponent": self.exponent,
            "exponent_error": self.exponent_error,
            "exponent_beyond_site": self.beyond_site,
            "offset_a2": self.offset,
            "verdict": self.verdict,
            "msd_end_a2": self.msd_end,
            "window_fs": list(self.window_fs),
            "atoms": self.atoms,
            "collective_factor": self.collective,
            "drift": self.drift,
            "notes": list(self.notes),
        }
