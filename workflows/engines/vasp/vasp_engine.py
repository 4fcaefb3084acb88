"""VASP as an engine: `vasp` with a licensed executable, `vasp-double` with a stand-in.

A study's protocol and section `vasp` become Makers of relaxations, single points and
dynamics; flows see no difference from a potential.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from jobflow import Maker

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings
from ionface.workflows.engines.vasp.incar import PlaneWaves, static_incar_keys
from ionface.workflows.engines.vasp.potcars import STAND_IN
from ionface.workflows.engines.vasp.vasp_relax import VaspRelaxMaker, relax_settings
from ionface.workflows.study.protocols import LI_2024, Protocol
from ionface.workflows.study.vasp_settings import VaspSettings

DEFAULT_PRERELAX = "sevennet"
DOUBLE = "ionface.workflows.engines.vasp_double"
UNKNOWN_VERSION = "as found where it runs"


@dataclass(frozen=True)
class VaspEngine(Engine):
    """VASP with one protocol and one study's settings.

    Attributes:
        name: "vasp" or "vasp-double".
        waves: protocol and settings.
        emulated: the executable is the stand-in.
        grows: a job that reaches its wall time is followed by a new one (for queues);
            else it is run again.
        decides_segments: one dynamics job does all segments, however many.
    """

    name: str = "vasp"
    waves: PlaneWaves = field(
        default_factory=lambda: PlaneWaves(LI_2024, VaspSettings())
    )
    emulated: bool = False
    grows: bool = False
    decides_segments: bool = True

    def configured(
        self, paper: Protocol, vasp: VaspSettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with a study's protocol and section `vasp`."""
        del find
        settings = for_double(vasp) if self.emulated else vasp
        return replace(self, waves=PlaneWaves(paper, settings))

    def for_queue(self, maker: Maker) -> Maker:
        """Return a Maker whose job is followed by another one at its wall time."""
        return replace(maker, grows=True)

    @property
    def prerelax(self) -> str:
        """Return the potential that relaxes before VASP does; "off" for none."""
        chosen = self.waves.settings.prerelax
        return str(chosen or ("off" if self.emulated else DEFAULT_PRERELAX))

    def level_of_theory(self) -> LevelOfTheory:
        """Return what is asked for; records have what was found where the job ran."""
        waves = self.waves
        keys = static_incar_keys(waves)
        named = waves.settings.potcars.items()
        told = [f"{k}={v}" for k, v in keys.items() if k not in ("ENCUT", "SIGMA")]
        return LevelOfTheory(
            code="vasp",
            version=UNKNOWN_VERSION,
            functional=waves.protocol.functional,
            cutoff_ev=waves.cutoff,
            k_points=f"Gamma, {waves.k_spacing:g} per Å",
            smearing=f"ISMEAR={keys.get('ISMEAR')} {keys.get('SIGMA')} eV",
            pseudopotentials=tuple(f"{e}: {symbol}" for e, symbol in named),
            dispersion=waves.settings.dispersion,
            details=(
                f"POTCAR {waves.potcar_functional}",
                f"dipole={waves.settings.dipole}",
                *told,
            ),
            emulated=self.emulated,
        )

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        return VaspRelaxMaker(
            name="relax",
            relax=relax_settings(settings),
            prerelax=self.prerelax,
            **self._common(),
        )

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return VaspRelaxMaker(name="static", **self._common())

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics."""
        from ionface.workflows.engines.vasp.aimd import (
            VaspDynamicsMaker,
            dynamics_settings,
        )

        return VaspDynamicsMaker(
            name="dynamics", dynamics=dynamics_settings(settings), **self._common()
        )

    def _common(self) -> dict[str, Any]:
        return {
            "waves": self.waves,
            "emulated": self.emulated,
            "polling_s": 0.1 if self.emulated else 10.0,
            "grows": self.grows,
        }


def for_double(given: VaspSettings) -> VaspSettings:
    """Return settings with the stand-in's command and, always, its POTCARs."""
    return replace(
        given,
        vasp_cmd=given.vasp_cmd or double_command(),
        potcar_functional=STAND_IN,
    )


def double_command() -> str:
    """Return the command of the stand-in."""
    return f"{sys.executable} -m {DOUBLE}"


def vasp() -> VaspEngine:
    """Return the engine `vasp`."""
    return VaspEngine()


def vasp_double() -> VaspEngine:
    """Return the engine `vasp-double`: the same inputs for a stand-in executable."""
    waves = PlaneWaves(LI_2024, for_double(VaspSettings()))
    return VaspEngine("vasp-double", waves, emulated=True)
