"""Every kind of result that the command line, a study and the report know.

To add an analysis, write one file that calls `register(Kind(...))`, and have it loaded:
import it, or name it in your package's entry points under the group
`ionface.analyses`. It then is `ionface analyze NAME`, may stand in a study's
`analyses:`, and has a section in the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import Any

from ionface.analysis.deposition.deposition import Deposition
from ionface.analysis.diffusion.arrhenius import Arrhenius
from ionface.analysis.diffusion.diffusion import diffusion
from ionface.analysis.diffusion.msd import Msd, msd
from ionface.analysis.diffusion.unwrapped_positions import Drift
from ionface.analysis.electrochemistry.conductivity import Conductivities
from ionface.analysis.electrochemistry.eis import Eis
from ionface.analysis.energies.convergence import Convergence
from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.layer_dos import LayerDos
from ionface.analysis.energies.planar_potential import PlanarPotential
from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.analysis.energies.relaxation_path import RelaxationPath
from ionface.analysis.energies.surface_energies import SurfaceEnergies
from ionface.analysis.figures.rdf_figure import SMOOTH
from ionface.analysis.interphase.density_profiles import Profiles, profiles
from ionface.analysis.interphase.interphase import interphase
from ionface.analysis.interphase.layers import LayerCoordination, layer_coordination
from ionface.analysis.kind import Crystal, Kind, Progress
from ionface.analysis.pairs import pair_name, parse_pair
from ionface.analysis.rdf.rdf import (
    MOST_WINDOWS,
    RdfSettings,
    RunningRdf,
    crystal_rdf,
    rdf,
    suitable_windows,
)
from ionface.analysis.rdf.rdf_result import RdfResult
from ionface.analysis.reactions.bond_rule import bond_length
from ionface.analysis.reactions.bonds import BondCounts, bonds
from ionface.analysis.reactions.reaction_report import ReactionReport, reactions
from ionface.analysis.reactions.reference_fractions import RANGE
from ionface.analysis.reactions.replicas import Replicas
from ionface.analysis.report import (
    cell_tables,
    tables,
    thermodynamics_tables,
    yardstick_tables,
)
from ionface.analysis.run_checks.run_checks import RunChecks, check_run
from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.hull_result import Hull
from ionface.analysis.thermodynamics.window_result import Windows
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.yardstick.spot_checks import SpotChecks
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.errors import AnalysisError
from ionface.plugins import installed

THERMAL = 0.06
"""Å; width of a crystal's lines when they stand beside a warm sample: about what atoms
of these crystals move at room temperature. Without it lines would tower over peaks."""

FITTED = 1.0
"""Å beyond what references explain, so that their broadened lines fit in."""

_registered: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind of result known; one of the same name is replaced."""
    _registered[kind.name] = kind
    return kind


def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in the order of the report."""
    _load_installed()
    return _registered


def analyses() -> dict[str, Kind]:
    """Return the kinds that are computed from one trajectory, by name."""
    return {name: kind for name, kind in kinds().items() if kind.analyze is not None}


def analysis(name: str) -> Kind:
    """Return the analysis of a trajectory that has this name.

    Raises:
        AnalysisError: there is none.
    """
    known = analyses()
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise AnalysisError(f"unknown analysis {name!r}; {hint}have {sorted(known)}")


@cache
def _load_installed() -> None:
    for entry in installed("ionface.analyses"):
        entry.load()


# --- energies -------------------------------------------------------------------------

register(
    Kind(
        FormationEnergies,
        "Formation energies",
        tables.energy_contents,
        "Negative: contact is a gain.",
        highlights=tables.energy_highlights,
    )
)
register(
    Kind(
        RegistryEnergies,
        "Registry scans",
        tables.summary_contents,
        "Rigid film over rigid substrate, each shift at its best gap; the model that "
        "is run stands at the lowest point.",
    )
)
register(
    Kind(
        Convergence,
        "Convergence",
        tables.convergence_contents,
        "Formation energies less those of the finest value of each setting.",
    )
)
register(
    Kind(
        PlanarPotential,
        "Electrostatic potential",
        tables.summary_contents,
        "Averaged over planes; a work function is what lies between the Fermi energy "
        "and the vacuum's level on that side.",
    )
)
register(
    Kind(
        LayerDos,
        "Density of states by layer",
        tables.dos_contents,
        "States of the slices' atoms; dashes mark the band edges of each slice, the "
        "line the Fermi energy.",
    )
)


register(
    Kind(
        SurfaceEnergies,
        "Surface energies",
        tables.surface_contents,
        "Against the bulk crystal, the mean of both faces.",
    )
)
register(
    Kind(
        RelaxationPath,
        "Paths of the relaxations",
        tables.path_contents,
        "What an interface gains step by step, and what bonds that costs.",
    )
)


# --- thermodynamics -------------------------------------------------------------------

register(
    Kind(
        Contacts,
        "Driving forces",
        thermodynamics_tables.contact_contents,
        "Reaction energy over the mixtures of both phases; dashed, what of it the "
        "contact itself gives.",
        highlights=thermodynamics_tables.contact_highlights,
    )
)
register(
    Kind(
        Windows,
        "Stability windows",
        thermodynamics_tables.window_contents,
        "Between the limits the compound takes up and gives off nothing.",
        highlights=thermodynamics_tables.window_highlights,
    )
)
register(
    Kind(
        Hull,
        "Hulls",
        thermodynamics_tables.hull_contents,
        "Energies at 0 K; what lies above the hull decomposes.",
    )
)


# --- radial distribution functions ----------------------------------------------------


@dataclass(frozen=True)
class RdfChoices:
    """Time-resolved radial distribution functions of stored or running dynamics.

    Attributes:
        pairs: as in In-S; repeatable.
        cutoff: Å.
        bins: number of bins.
        windows: number of time windows; by the length of the run if not given.
        references: a crystal to compare with; repeatable.
    """

    pairs: tuple[str, ...]
    cutoff: float = 8.0
    bins: int = 200
    windows: int | None = None
    references: tuple[Crystal, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(parse_pair, self.pairs))
        RdfSettings(self.cutoff, self.bins, 1 if self.windows is None else self.windows)


def _rdf(
    trajectory: Trajectory, settings: RdfChoices, progress: Progress | None = None
) -> RdfResult:
    result = rdf(
        trajectory,
        settings.pairs,
        cutoff=settings.cutoff,
        bins=settings.bins,
        windows=settings.windows or suitable_windows(trajectory.times_or_nan_fs),
        progress=progress,
    )
    return replace(
        result,
        references=crystals_at_rest(
            settings.references, settings.pairs, settings.cutoff, settings.bins
        ),
    )


def crystals_at_rest(
    crystals: Iterable[Crystal], pairs: tuple[str, ...], cutoff: float, bins: int
) -> dict[str, RdfResult]:
    """Return the RDFs of crystals at rest, broadened as warm ones, by name.

    Raises:
        AnalysisError: one has none of the pairs.
    """
    found = {}
    for crystal in crystals:
        present = [p for p in pairs if set(parse_pair(p)) <= set(crystal.species)]
        if not present:
            raise AnalysisError(
                f"reference {crystal.name} has none of the pairs {list(pairs)}; it "
                f"consists of {sorted(set(crystal.species))}"
            )
        found[crystal.name] = crystal_rdf(
            crystal.species,
            crystal.lattice,
            crystal.positions,
            present,
            cutoff=cutoff,
            bins=bins,
            broadening=THERMAL,
            source=crystal.name,
        )
    return found


class RunningAnalysis:
    """RDFs of frames that come one by one, beside the crystals of the settings."""

    def __init__(
        self,
        species: Iterable[str],
        settings: RdfChoices,
        **origin: Any,
    ) -> None:
        self._rdf = RunningRdf(
            species,
            settings.pairs,
            cutoff=settings.cutoff,
            bins=settings.bins,
            windows=settings.windows or MOST_WINDOWS,
            **origin,
        )
        self.add = self._rdf.add
        self._references = crystals_at_rest(
            settings.references, settings.pairs, settings.cutoff, settings.bins
        )

    def result(self) -> RdfResult:
        """Return the RDFs of all frames so far."""
        return replace(self._rdf.result(), references=self._references)


register(
    Kind(
        RdfResult,
        "Radial distribution functions",
        tables.rdf_contents,
        f"g(r) in windows of time, early to late, smoothed by a Gaussian of {SMOOTH} "
        "Å; bands are standard errors, dotted lines the running coordination. Table "
        "and files are not smoothed.",
        RdfChoices,
        _rdf,
        running=RunningAnalysis,
    )
)


# --- bonds and reactions --------------------------------------------------------------


@dataclass(frozen=True)
class BondChoices:
    """Number of bonds against time.

    Attributes:
        pairs: as in In-S, or In-S:3.0 (Å); repeatable.
        references: a crystal whose shells say where bonds end; repeatable.
        windows: number of time windows; by the length of the run if not given.
    """

    pairs: tuple[str, ...]
    references: tuple[Crystal, ...] = ()
    windows: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(bond_of, self.pairs))


def bond_of(text: str) -> tuple[tuple[str, str], float | None]:
    """Return the pair that "In-S" or "In-S:3.0" names, and its bond length, Å, if any.

    Raises:
        AnalysisError: it names no pair, or no length.
    """
    name, colon, length = text.partition(":")
    pair = parse_pair(name)
    if not colon:
        _ = bond_length(pair)  # refuses what is no element
        return pair, None
    try:
        reach = float(length)
    except ValueError:
        reach = -1.0
    if not reach > 0:
        raise AnalysisError(
            f"{length!r} is no bond length; write a pair as In-S, or with a length in "
            "Å as In-S:3.0"
        )
    return pair, reach


def _lengths(pairs: tuple[str, ...]) -> dict[str, float | None]:
    return {pair_name(pair): length for pair, length in map(bond_of, pairs)}


def _bonds(
    trajectory: Trajectory, settings: BondChoices, progress: Progress | None = None
) -> BondCounts:
    del progress
    lengths = _lengths(settings.pairs)
    crystals = crystals_beside(settings.references, tuple(lengths))
    found = bonds(trajectory, lengths, references=crystals)
    suitable = suitable_windows(trajectory.times_or_nan_fs)
    return replace(found, windows=settings.windows or suitable)


def crystals_beside(
    crystals: Iterable[Crystal], pairs: tuple[str, ...]
) -> dict[str, RdfResult]:
    """Return crystals at rest as bonds and reactions are compared with them."""
    return crystals_at_rest(crystals, pairs, RANGE + FITTED, bins=240)


register(
    Kind(
        BondCounts,
        "Bonds in time",
        tables.bond_contents,
        "Every frame and a running mean.",
        BondChoices,
        _bonds,
        highlights=tables.bond_highlights,
    )
)


@dataclass(frozen=True)
class ReactionChoices:
    """Bonds that form and break, and whether their number changed, and stays.

    Attributes:
        pairs: as in In-S, or In-S:3.0 (Å); repeatable.
        references: a crystal that may form; repeatable.
        windows: number of time windows; by the length of the run if not given.
    """

    pairs: tuple[str, ...]
    references: tuple[Crystal, ...] = ()
    windows: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be, before anything is read."""
        _ = list(map(bond_of, self.pairs))


def followed_bonds(
    trajectory: Trajectory, settings: ReactionChoices, progress: Progress | None = None
) -> ReactionReport:
    """Return the reactions of a run with the settings of a user."""
    del progress
    lengths = _lengths(settings.pairs)
    return reactions(
        trajectory,
        lengths,
        references=crystals_beside(settings.references, tuple(lengths)),
        rules={name: length for name, length in lengths.items() if length},
        windows=settings.windows or suitable_windows(trajectory.times_or_nan_fs),
    )


register(
    Kind(
        ReactionReport,
        "Reactions",
        tables.reaction_contents,
        "Bonds of each pair; marks below tell when one formed or broke.",
        ReactionChoices,
        followed_bonds,
    )
)


register(
    Kind(
        Replicas,
        "Independent runs together",
        tables.replica_contents,
        "Each run thin, their mean thick with its standard error.",
    )
)


# --- diffusion ------------------------------------------------------------------------

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


register(
    Kind(
        Msd,
        "Diffusion",
        tables.msd_contents,
        "Full lines are fits that give a coefficient.",
        MsdChoices,
        _msd,
    )
)
register(
    Kind(
        Arrhenius,
        "Activation energies",
        tables.arrhenius_contents,
        "The band is the 95 % confidence of the line.",
    )
)


# --- along the normal -----------------------------------------------------------------


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


register(
    Kind(
        Profiles,
        "Profiles along the normal",
        tables.profile_contents,
        "Density against height and time.",
        ProfileChoices,
        _profile,
    )
)


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


register(
    Kind(
        LayerCoordination,
        "Coordination by height",
        tables.layer_contents,
        "Bars are standard errors.",
        LayerChoices,
        _layers,
    )
)


# --- checks ---------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckChoices:
    """Whether a run may be trusted: temperature, energy, time step, gaps.

    Attributes:
        temperature: of the thermostat, K; what the run tells by default.
    """

    temperature: float | None = None


def _checks(
    trajectory: Trajectory, settings: CheckChoices, progress: Progress | None = None
) -> RunChecks:
    del progress
    return check_run(trajectory, settings.temperature)


register(
    Kind(
        RunChecks,
        "Checks of the runs",
        tables.check_contents,
        "A flat conserved energy is a sound integration.",
        CheckChoices,
        _checks,
    )
)


# --- measurements of cells ------------------------------------------------------------

register(
    Kind(
        Conductivities,
        "Ionic conduction",
        cell_tables.conductivity_contents,
        "The band is the 95 % confidence of the line.",
    )
)
register(
    Kind(
        Eis,
        "Impedance",
        cell_tables.eis_contents,
        "Circles are measured, lines are the fitted circuit.",
    )
)


def _film(result: Deposition) -> bytes:
    from ionface.analysis.figures.deposition_figure import film

    return film(result)


register(
    Kind(
        Deposition,
        "Deposition of lithium",
        cell_tables.deposition_contents,
        "The strip is shown with its mirror image; white lines are earlier fronts.",
        highlights=cell_tables.deposition_highlights,
        beside=cell_tables.depositions_beside,
        film=_film,
    )
)


# --- engines beside first principles --------------------------------------------------

register(
    Kind(
        Yardstick,
        "Engines beside first principles",
        yardstick_tables.yardstick_contents,
        "Forces along axes; the line is equality.",
    )
)
register(
    Kind(
        SpotChecks,
        "How far the potential is from first principles here",
        yardstick_tables.spot_contents,
        "Forces along axes on frames of this study; the line is equality.",
        highlights=yardstick_tables.spot_highlights,
    )
)
