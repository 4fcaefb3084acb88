"""What changes along the normal, as analyses: settings and what is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ionface.analysis.interphase.density_profiles import Profiles, profiles
from ionface.analysis.interphase.interphase import interphase
from ionface.analysis.interphase.layers import LayerCoordination, layer_coordination
from ionface.analysis.kind import Kind, Progress
from ionface.analysis.reactions.bond_analyses import bond_of
from ionface.analysis.reactions.bond_rule import bond_length
from ionface.analysis.report import tables
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class ProfileChoices:
    """Densities along the normal against time, and the width of the interphase.

    Attributes:
        species: as in Li; repeatable. All by default.
        between: marker species of two phases, as In:S+P, to measure their interphase.
        windows: number of time windows.
    """

    species: tuple[str, ...] = ()
    between: str | None = None
    windows: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        if self.between is not None:
            markers_of(self.between)


def markers_of(text: str) -> tuple[list[str], list[str]]:
    """Return the marker species of both phases, as of "In:S+P".

    Raises:
        AnalysisError: it does not name two phases.
    """
    first, colon, second = text.partition(":")
    sides = [[s.strip() for s in side.split("+") if s] for side in (first, second)]
    if not colon or not all(sides):
        raise AnalysisError(
            f"{text!r} does not name two phases; write their markers as In:S, or "
            "several as In:S+P"
        )
    return sides[0], sides[1]


def _profile(
    trajectory: Trajectory, settings: ProfileChoices, progress: Progress | None = None
) -> Profiles:
    del progress
    markers = markers_of(settings.between) if settings.between else None
    windows = settings.windows
    found = profiles(trajectory, settings.species or None, windows=windows)
    if markers is None:
        return found
    mixed = interphase(trajectory, *markers, windows=windows)
    return replace(found, interphase=mixed)


@dataclass(frozen=True)
class LayerChoices:
    """Coordination numbers layer by layer along the normal, against time.

    Attributes:
        pair: center and neighbor: P-S, or P-S:2.6 (Å).
        layers: of equal height.
        edges: heights between layers instead, Å; repeatable, ascending.
        windows: number of time windows.
        stride: every how many frames.
    """

    pair: str
    layers: int = 10
    edges: tuple[float, ...] = ()
    windows: int = 4
    stride: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        bond_of(self.pair)


def _layers(
    trajectory: Trajectory, settings: LayerChoices, progress: Progress | None = None
) -> LayerCoordination:
    del progress
    pair, reach = bond_of(settings.pair)
    return layer_coordination(
        trajectory,
        pair,
        reach or bond_length(pair),
        settings.edges or settings.layers,
        windows=settings.windows,
        stride=settings.stride,
    )


PROFILES = Kind(
    Profiles,
    "Profiles along the normal",
    tables.profile_contents,
    "Density against height and time.",
    ProfileChoices,
    _profile,
)
LAYERS = Kind(
    LayerCoordination,
    "Coordination by height",
    tables.layer_contents,
    "Bars are standard errors.",
    LayerChoices,
    _layers,
)
