"""What an engine is: three Makers and a level of theory. Flows know nothing more.

A study names its engine; `engine(name)` finds it. A new engine is one more entry of
the registry, or an ASE calculator's import path, which needs no entry at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, Protocol

from jobflow import Maker

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError

if TYPE_CHECKING:
    from ionface.workflows.study.study import Study


@dataclass(frozen=True)
class RelaxSettings:
    """When a relaxation is done.

    Attributes:
        fmax: largest force that counts as converged, eV/Å.
        steps: at most so many ionic steps in one go.
        must_converge: a relaxation that needs more steps is an error, and running it
            again goes on from its last structure; else it ends where it is.
        for_dynamics: prepares dynamics and takes their k-points (Γ for plane waves).
    """

    fmax: float = 0.02
    steps: int = 1000
    must_converge: bool = True
    for_dynamics: bool = False


@dataclass(frozen=True)
class DynamicsSettings:
    """An NVT run with a Nosé-Hoover thermostat.

    Attributes:
        temperature: K.
        timestep: fs.
        steps: in this segment.
        period: of the thermostat's own oscillation, in steps; 40 is what VASP takes
            for SMASS=0.
        stride: every so many steps a frame is written.
        seed: of the Maxwell-Boltzmann velocities of the first segment.
        segment: an engine that decides by itself how often it restarts does so after
            so many steps at the latest; None for as seldom as possible.
        until: ends the run early, as keyword arguments of
            the stopping criterion `Steady`; engines that cannot do so ignore it.
    """

    temperature: float = 300.0
    timestep: float = 2.0
    steps: int = 1000
    period: float = 40.0
    stride: int = 1
    seed: int = 0
    segment: int | None = None
    until: dict[str, Any] | None = None


class Engine(Protocol):
    """Anything that can relax, evaluate and move a structure.

    `relax` and `static` return Makers whose `make(structure)` gives a job with a
    RunRecord as output; `dynamics` returns a Maker whose `make(structure, previous)`
    gives a job with a DynamicsRecord, `previous` being the record that it continues.
    """

    @property
    def name(self) -> str:
        """Return the name under which users call it."""

    def level_of_theory(self) -> LevelOfTheory:
        """Return what fixes its energies, as found on this machine."""

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations at a fixed cell."""

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of molecular dynamics."""


@dataclass(frozen=True)
class EngineChoice:
    """An engine as a study file may spell it out.

    Attributes:
        calculator: import path of an ASE calculator, as in "ase.calculators.emt.EMT".
        arguments: keyword arguments of the calculator.
        functional: what its energies stand for, in words; part of the level of theory.
    """

    calculator: str
    arguments: dict[str, Any] = field(default_factory=dict)
    functional: str = "unspecified"


def engines() -> Mapping[str, Callable[[], Engine]]:
    """Return the engines that have a name of their own."""
    from ionface.workflows.engines.ase import potential
    from ionface.workflows.engines.vasp import vasp_engine

    return {
        "sevennet": potential.sevennet,
        "chgnet": potential.chgnet,
        "vasp": vasp_engine.vasp,
        "vasp-double": vasp_engine.vasp_double,
    }


def study_engine(study: Study, kind: Literal["formation", "dynamics"]) -> Engine:
    """Return the engine of a study's energies or dynamics, with the study's settings.

    Raises:
        IonfaceError: as `engine`.
    """
    found = engine(getattr(study.engines(), kind))
    configured = getattr(found, "configured", None)
    return found if configured is None else configured(study)


def engine(choice: str | EngineChoice) -> Engine:
    """Return the engine for a name, an import path or a choice with arguments.

    Raises:
        IonfaceError: no engine has this name, or it is not installed.
    """
    from ionface.workflows.engines.ase import potential

    if isinstance(choice, EngineChoice):
        return potential.from_import_path(
            choice.calculator, choice.arguments, choice.functional
        )
    known = engines()
    if choice in known:
        return known[choice]()
    if "." in choice:
        return potential.from_import_path(choice, {}, "unspecified")
    close = get_close_matches(choice, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise IonfaceError(
        f"unknown engine {choice!r}; {hint}have {sorted(known)}, or the import path "
        "of an ASE calculator such as ase.calculators.emt.EMT"
    )
