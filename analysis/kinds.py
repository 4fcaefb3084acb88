"""Every kind of result that the command line, a study and the report know.

To add an analysis, write one file that calls `register(Kind(...))`, and have it loaded:
import it, or name it in your package's entry points under the group
`ionface.analyses`. It then is `ionface analyze NAME`, may stand in a study's
`analyses:`, and has a section in the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache

from ionface.analysis.deposition.deposition import Deposition
from ionface.analysis.diffusion.diffusion_analysis import ACTIVATION, DIFFUSION
from ionface.analysis.electrochemistry.conductivity import Conductivities
from ionface.analysis.electrochemistry.eis import Eis
from ionface.analysis.energies.band_alignment import BandAlignment
from ionface.analysis.energies.convergence import Convergence
from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.layer_dos import LayerDos
from ionface.analysis.energies.planar_potential import PlanarPotential
from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.analysis.energies.relaxation_path import RelaxationPath
from ionface.analysis.energies.surface_energies import SurfaceEnergies
from ionface.analysis.interphase.height_analyses import LAYERS, PROFILES
from ionface.analysis.kind import Kind
from ionface.analysis.rdf.rdf_analysis import RDFS
from ionface.analysis.reactions.bond_analyses import BONDS, REACTIONS, TOGETHER
from ionface.analysis.report import (
    cell_tables,
    tables,
    thermodynamics_tables,
    yardstick_tables,
)
from ionface.analysis.run_checks.check_analysis import CHECKS
from ionface.analysis.thermodynamics.contact_result import Contacts
from ionface.analysis.thermodynamics.hull_result import Hull
from ionface.analysis.thermodynamics.window_result import Windows
from ionface.analysis.yardstick.spot_checks import SpotChecks
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.errors import AnalysisError
from ionface.plugins import installed, loaded

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
        loaded(entry)


def _film(result: Deposition) -> bytes:
    from ionface.analysis.figures.deposition_figure import film

    return film(result)


BUILT_IN = (
    Kind(
        FormationEnergies,
        "Formation energies",
        tables.energy_contents,
        "Negative: contact is a gain.",
        highlights=tables.energy_highlights,
    ),
    Kind(
        RegistryEnergies,
        "Registry scans",
        tables.summary_contents,
        "Rigid film over rigid substrate, each shift at its best gap; the model that "
        "is run stands at the lowest point.",
    ),
    Kind(
        Convergence,
        "Convergence",
        tables.convergence_contents,
        "Formation energies less those of the finest value of each setting.",
    ),
    Kind(
        PlanarPotential,
        "Electrostatic potential",
        tables.summary_contents,
        "Averaged over planes; a work function is what lies between the Fermi energy "
        "and the vacuum's level on that side.",
    ),
    Kind(
        BandAlignment,
        "Band alignment",
        tables.summary_contents,
        "Edges of each side, counted from one level; what is uncertain is how level "
        "the potential is inside.",
    ),
    Kind(
        LayerDos,
        "Density of states by layer",
        tables.dos_contents,
        "States of the slices' atoms; dashes mark the band edges of each slice, the "
        "line the Fermi energy.",
    ),
    Kind(
        SurfaceEnergies,
        "Surface energies",
        tables.surface_contents,
        "Against the bulk crystal, the mean of both faces.",
    ),
    Kind(
        RelaxationPath,
        "Paths of the relaxations",
        tables.path_contents,
        "What an interface gains step by step, and what bonds that costs.",
    ),
    Kind(
        Contacts,
        "Driving forces",
        thermodynamics_tables.contact_contents,
        "Reaction energy over the mixtures of both phases; dashed, what of it the "
        "contact itself gives.",
        highlights=thermodynamics_tables.contact_highlights,
    ),
    Kind(
        Windows,
        "Stability windows",
        thermodynamics_tables.window_contents,
        "Between the limits the compound takes up and gives off nothing.",
        highlights=thermodynamics_tables.window_highlights,
    ),
    Kind(
        Hull,
        "Hulls",
        thermodynamics_tables.hull_contents,
        "Energies at 0 K; what lies above the hull decomposes.",
    ),
    RDFS,
    BONDS,
    REACTIONS,
    TOGETHER,
    DIFFUSION,
    ACTIVATION,
    PROFILES,
    LAYERS,
    CHECKS,
    Kind(
        Conductivities,
        "Ionic conduction",
        cell_tables.conductivity_contents,
        "The band is the 95 % confidence of the line.",
    ),
    Kind(
        Eis,
        "Impedance",
        cell_tables.eis_contents,
        "Circles are measured, lines are the fitted circuit.",
    ),
    Kind(
        Deposition,
        "Deposition of lithium",
        cell_tables.deposition_contents,
        "The strip is shown with its mirror image; white lines are earlier fronts.",
        highlights=cell_tables.deposition_highlights,
        beside=cell_tables.depositions_beside,
        film=_film,
    ),
    Kind(
        Yardstick,
        "Engines beside first principles",
        yardstick_tables.yardstick_contents,
        "Forces along axes; the line is equality.",
    ),
    Kind(
        SpotChecks,
        "How far the potential is from first principles here",
        yardstick_tables.spot_contents,
        "Forces along axes on frames of this study; the line is equality.",
        highlights=yardstick_tables.spot_highlights,
    ),
)
"""In the order of the report."""

for kind in BUILT_IN:
    register(kind)
