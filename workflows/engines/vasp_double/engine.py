"""The engine `vasp-double`: VASP's own inputs and jobs, for a stand-in executable.

What differs from `vasp` is the command, the POTCARs, which are stand-ins too, and how
closely custodian looks. That results are emulated is read from the outputs.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from pymatgen.io.vasp import PotcarSingle

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.workflows.engines.contract import Engine, StudySettings
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.incar import PlaneWaves
from ionface.workflows.engines.vasp.vasp_engine import VaspEngine
from ionface.workflows.engines.vasp_double.potcars import stand_in
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings

MODULE = "ionface.workflows.engines.vasp_double"

DOUBLE_CUSTODY = Custody(polling_s=0.1, positive_energies=True)
"""The stand-in ends within seconds, and its zero of energy is a potential's."""


@dataclass(frozen=True)
class StandInWaves(PlaneWaves):
    """A protocol and settings whose POTCARs are stand-ins, on any machine."""

    emulated: ClassVar[bool] = True

    @property
    def potcar_functional(self) -> str:
        """Return what stands where a release of the POTCAR library would."""
        return "STAND_IN"

    @property
    def has_potcars(self) -> bool:
        """Return True: they are made from public facts."""
        return True

    def potcar(self, symbol: str) -> PotcarSingle:
        """Return the stand-in of a name.

        Raises:
            InputError: its valence and cutoff are not known.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pymatgen knows no stand-ins
            return PotcarSingle(stand_in(symbol), symbol)


@dataclass(frozen=True, repr=False)
class VaspDoubleEngine(VaspEngine):
    """VASP with a stand-in in the executable's place."""

    name: str = "vasp-double"
    waves: PlaneWaves = field(
        default_factory=lambda: StandInWaves(LI_2024, with_command(VaspSettings()))
    )
    custody: Custody = DOUBLE_CUSTODY

    def configured(
        self, settings: StudySettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with a study's protocol and section `vasp`.

        A potential before the stand-in's potential is used only where it is named.
        """
        own = replace(
            with_command(settings.vasp), prerelax=settings.vasp.prerelax or "off"
        )
        return replace(
            super().configured(replace(settings, vasp=own), find),
            waves=StandInWaves(settings.protocol, own),
        )

    def level_of_theory(self) -> LevelOfTheory:
        """Return VASP's level, and that it is emulated."""
        return replace(super().level_of_theory(), emulated=True)


def with_command(settings: VaspSettings) -> VaspSettings:
    """Return settings that start the stand-in unless they have a command."""
    return replace(settings, vasp_cmd=settings.vasp_cmd or double_command())


def double_command() -> str:
    """Return the command of the stand-in."""
    return f"{sys.executable} -m {MODULE}"


def vasp_double() -> VaspDoubleEngine:
    """Return the engine `vasp-double`."""
    return VaspDoubleEngine()
