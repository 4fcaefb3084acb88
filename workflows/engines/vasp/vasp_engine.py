"""VASP as an engine: a study's protocol and section `vasp` become Makers.

Flows see no difference from a potential.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from jobflow import Maker
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.readers.vasp_level import functional_of
from ionface.workflows.engines import pre_relaxation
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    Engine,
    JobDescription,
    RelaxSettings,
    StudySettings,
)
from ionface.workflows.engines.vasp import custodian_run
from ionface.workflows.engines.vasp.aimd import VaspDynamicsMaker, dynamics_settings
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.hubbard import hubbard_told
from ionface.workflows.engines.vasp.incar import PlaneWaves, static_incar_keys
from ionface.workflows.engines.vasp.vasp_relax import VaspRelaxMaker, relax_settings
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings

DEFAULT_PRERELAX = "sevennet"
UNKNOWN_VERSION = "as found where it runs"


@dataclass(frozen=True, repr=False)
class VaspEngine(Engine):
    """VASP with one protocol and one study's settings.

    Attributes:
        name: under which users call it.
        waves: protocol and settings.
        prerelax: potential that relaxes before VASP does; None for none.
        custody: how custodian watches VASP.
        decides_segments: one dynamics job does all segments, however many.
    """

    name: str = "vasp"
    waves: PlaneWaves = field(
        default_factory=lambda: PlaneWaves(LI_2024, VaspSettings())
    )
    prerelax: Engine | None = None
    custody: Custody = field(default_factory=Custody)
    decides_segments: bool = True

    def configured(
        self, settings: StudySettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with a study's protocol and section `vasp`."""
        chosen = settings.vasp.prerelax or DEFAULT_PRERELAX
        return replace(
            self,
            waves=PlaneWaves(settings.protocol, settings.vasp),
            prerelax=None if chosen == "off" else find(chosen),
        )

    def check_start(self, maker: Maker, *, here: bool) -> None:
        """Refuse a job without a command, or without the potential that begins it."""
        if not isinstance(maker, VaspRelaxMaker | VaspDynamicsMaker):
            return
        custodian_run.command(maker.waves.settings)
        if here:
            custodian_run.check_executable(maker.waves.settings)
        if isinstance(maker, VaspRelaxMaker) and maker.prerelaxes:
            assert self.prerelax is not None
            pre_relaxation.check_potential(self.prerelax, here=here)

    def describe(self, maker: Maker, structure: Structure) -> JobDescription | None:
        """Return what a job will do; None for a Maker that is not of this engine."""
        if not isinstance(maker, VaspRelaxMaker | VaspDynamicsMaker):
            return None
        run = maker.run_for(structure)
        return JobDescription(
            kind=maker.kind,
            structure=structure,
            steps=max(1, int(run.incar["NSW"])),
            inputs=run,
            stages=2 if "LDIPOL" in run.incar else 1,
            prerelaxed=isinstance(maker, VaspRelaxMaker) and maker.prerelaxes,
        )

    def level_of_theory(self) -> LevelOfTheory:
        """Return what is asked for; records have what was found where the job ran."""
        waves = self.waves
        keys = static_incar_keys(waves)
        named = waves.settings.potcars.items()
        shown = [f"{k}={v}" for k, v in keys.items() if k not in ("ENCUT", "SIGMA")]
        return LevelOfTheory(
            code="vasp",
            version=UNKNOWN_VERSION,
            functional=functional_of(keys.get, waves.protocol.functional),
            cutoff_ev=waves.cutoff,
            k_points=waves.mesh_rule,
            smearing=f"ISMEAR={keys.get('ISMEAR')} {keys.get('SIGMA')} eV",
            pseudopotentials=tuple(f"{e}: {symbol}" for e, symbol in named),
            dispersion=waves.settings.dispersion,
            details=(
                f"POTCAR {waves.potcar_functional}",
                f"dipole={waves.settings.dipole}",
                *shown,
            ),
            by_element=hubbard_told(keys),
        )

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        return VaspRelaxMaker(
            name="relax",
            relax=relax_settings(settings),
            prerelax=self.prerelax.relax(pre_relaxation.SETTINGS)
            if self.prerelax
            else None,
            **self._common(),
        )

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return VaspRelaxMaker(name="static", **self._common())

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics."""
        return VaspDynamicsMaker(
            name="dynamics", dynamics=dynamics_settings(settings), **self._common()
        )

    def _common(self) -> dict[str, Any]:
        return {"waves": self.waves, "custody": self.custody}


def vasp() -> VaspEngine:
    """Return the engine `vasp`."""
    return VaspEngine()
