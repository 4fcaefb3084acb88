"""Diffusion as an analysis: settings, what is subtracted, what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import diffusion
from ionface.analysis.diffusion.msd import Msd, msd
from ionface.analysis.diffusion.unwrapped_positions import Drift
from ionface.analysis.kind import Kind, Progress
from ionface.analysis.report import tables
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

DRIFTS = ("auto", "all", "none")


@dataclass(frozen=True)
class MsdChoices:
    """Mean squared displacements, and diffusion coefficients with their errors.

    Attributes:
        species: as in Li; repeatable. All by default.
        layers: height that divides layers, Å; repeatable, ascending.
        drift: what is subtracted: auto, all, none, or the symbols of a rigid
            sublattice; repeatable.
    """

    species: tuple[str, ...] = ()
    layers: tuple[float, ...] = ()
    drift: tuple[str, ...] = ("auto",)

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        drift_of(self.drift)


def drift_of(words: tuple[str, ...]) -> Drift:
    """Return one of the named references, or the symbols of a rigid sublattice.

    Raises:
        AnalysisError: a named one stands beside others.
    """
    named = [word for word in words if word in DRIFTS]
    if named and len(words) > 1:
        raise AnalysisError(
            f"drift={named[0]} stands alone; give it once, or symbols of a rigid "
            "sublattice instead"
        )
    return named[0] if named else list(words)


def _msd(
    trajectory: Trajectory, settings: MsdChoices, progress: Progress | None = None
) -> Msd:
    del progress
    drift, species = drift_of(settings.drift), settings.species or None
    found = diffusion(trajectory, species, drift=drift)
    if settings.layers:
        found += diffusion(trajectory, species, layers=settings.layers, drift=drift)
    return replace(msd(trajectory, species, drift=drift), diffusion=tuple(found))


DIFFUSION = Kind(
    Msd,
    "Diffusion",
    tables.msd_contents,
    "Full lines are fits that give a coefficient.",
    MsdChoices,
    _msd,
)
ACTIVATION = Kind(
    Arrhenius,
    "Activation energies",
    tables.arrhenius_contents,
    "The band is the 95 % confidence of the line.",
)
