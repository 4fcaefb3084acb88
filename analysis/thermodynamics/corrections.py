"""Corrections that bring PBE energies closer to measured formation enthalpies.

`mp2020` is the Materials Project's scheme (Wang et al., Sci. Rep. 11, 15496 (2021),
doi:10.1038/s41598-021-94550-5), fitted to raw PBE energies: on any other scale, and on
one that carries it already, it is wrong and refused.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from pymatgen.core import Composition

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.thermodynamics.phases import Phase
from ionface.analysis.thermodynamics.wording import Corrections
from ionface.errors import AnalysisError

if TYPE_CHECKING:
    from pymatgen.analysis.compatibility import MaterialsProject2020Compatibility

CHOICES: tuple[Corrections, ...] = ("none", "mp2020")
MOST_GUESSED = 50  # atoms of a formula whose charges are guessed; more take long

RAW_PBE = ("PBE", "PBE (raw MPtrj energies)")
"""Functionals whose energies are what the corrections were fitted to."""


def is_raw_pbe(level: LevelOfTheory) -> bool:
    """Tell whether energies are plain PBE ones, without dispersion or corrections."""
    return level.functional in RAW_PBE and level.dispersion is None


def check_corrections(phases: Iterable[Phase], corrections: str) -> None:
    """Refuse an unknown scheme, or one that these energies must not have.

    Raises:
        AnalysisError: as above.
    """
    if corrections not in CHOICES:
        raise AnalysisError(
            f"unknown corrections={corrections!r}; take one of {', '.join(CHOICES)}"
        )
    if corrections == "none":
        return
    for phase in phases:
        if not is_raw_pbe(phase.level):
            raise AnalysisError(
                f"corrections=mp2020 was fitted to raw PBE energies, but those of "
                f"{phase.name!r} are of {phase.level.label}; take corrections=none"
            )
        if foreign := _own_u(phase):
            raise AnalysisError(
                f"corrections=mp2020 knows only the U of the Materials Project, but "
                f"{phase.name!r} has one of its own for {', '.join(foreign)}; "
                "take corrections=none"
            )


def _own_u(phase: Phase) -> list[str]:
    """Return the elements that have a U which is not the Materials Project's."""
    told = {e for e, text in phase.level.by_element.items() if "U" in text}
    return sorted(told - phase.hubbards.keys())


def comparable(phases: Sequence[Phase]) -> tuple[Corrections, ...]:
    """Return the corrections between which the error of some energies lies.

    None where they are not raw PBE ones; with the Materials Project's U, only those
    with corrections belong together.
    """
    if any(_own_u(phase) or not is_raw_pbe(phase.level) for phase in phases):
        return ()
    return ("mp2020",) if any(phase.hubbards for phase in phases) else CHOICES


def correction(phase: Phase, corrections: Corrections) -> float:
    """Return what is added to the energy of a phase, eV.

    Raises:
        AnalysisError: U values that are not the Materials Project's.
    """
    if corrections == "none" or len(phase.composition) == 1:
        return 0.0
    # here and below: without corrections a hull starts in two thirds of the time
    from pymatgen.entries.computed_entries import ComputedEntry

    entry = ComputedEntry(
        Composition(dict(phase.composition)),
        phase.energy,
        parameters={
            "run_type": "GGA+U" if phase.hubbards else "GGA",
            "hubbards": dict(phase.hubbards),
            "software": "other",  # its POTCARs are not compared with theirs
        },
        data=_anions(phase),
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of charges that nobody can guess
            adjustments = _scheme().get_adjustments(entry)
    except Exception as error:  # pymatgen's own kind is no public name
        raise AnalysisError(
            f"corrections=mp2020 does not fit {phase.name!r}: {error}; take "
            "corrections=none"
        ) from error
    return math.fsum(adjustment.value for adjustment in adjustments)


@cache
def _scheme() -> MaterialsProject2020Compatibility:
    from pymatgen.analysis.compatibility import MaterialsProject2020Compatibility

    return MaterialsProject2020Compatibility(check_potcar=False)


def _anions(phase: Phase) -> dict[str, Any]:
    """Return the charges, and which kind of oxide and sulfide they make.

    Without them a sulfate would be corrected as a sulfide.
    """
    charges = phase.oxidation if phase.oxidation is not None else _guessed(phase)
    oxygen, sulfur = charges.get("O", -2.0), charges.get("S", -2.0)
    return {
        "oxidation_states": dict(charges),
        "oxide_type": _oxide(oxygen),
        "sulfide_type": "sulfide" if sulfur < 0 else "sulfate",
    }


def _oxide(charge: float) -> str:
    """Return the kind of oxide by the mean charge of its oxygen."""
    if charge <= -1.5:
        return "oxide"
    return "peroxide" if charge <= -0.75 else "superoxide"


def _guessed(phase: Phase) -> dict[str, float]:
    """Return the likeliest charges of a formula; none of a metal."""
    formula = Composition(phase.formula)
    if formula.num_atoms > MOST_GUESSED:
        return {}
    # peroxides and their like only among the rare charges
    guesses = formula.oxi_state_guesses() or formula.oxi_state_guesses(
        all_oxi_states=True
    )
    return {k: float(v) for k, v in guesses[0].items()} if guesses else {}
