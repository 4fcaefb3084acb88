"""Finds the engine that a study names.

Engines are entry points of the group "ionface.engines", those of this package like any
other's: each is a function without arguments that returns an Engine. An ASE calculator
needs no entry; its import path is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from typing import Any, Literal, TypeVar

from ase.calculators.calculator import Calculator
from jobflow import Job, Maker
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.errors import IonfaceError, StructureError
from ionface.plugins import installed, loaded
from ionface.structures.elements import (
    crystal_elements,
    interface_elements,
    layer_elements,
)
from ionface.workflows.engines.ase import named_potentials
from ionface.workflows.engines.ase.ase_engine import AseEngine, from_import_path
from ionface.workflows.engines.ase.learned import PREFIX, learned
from ionface.workflows.engines.ase.named_potentials import potentials, pretrained
from ionface.workflows.engines.contract import Engine, RelaxSettings, StudySettings
from ionface.workflows.study.protocols import protocol
from ionface.workflows.study.study import EngineChoice, Study

GROUP = "ionface.engines"
Role = Literal["formation", "dynamics"]
SomeEngine = TypeVar("SomeEngine", bound=Engine)


def engines() -> Mapping[str, Callable[[], Engine]]:
    """Return the engines that have a name of their own; each is imported when called.

    Raises:
        IonfaceError: when called, if the package of an engine cannot be imported.
    """
    return {entry.name: _factory(entry) for entry in installed(GROUP)}


def _factory(entry: EntryPoint) -> Callable[[], Engine]:
    def load_and_make() -> Engine:
        make: Callable[[], Engine] = loaded(entry)
        return make()

    return load_and_make


def study_engine(study: Study, role: Role) -> Engine:
    """Return the engine of a study's energies or dynamics, with the study's settings.

    Raises:
        IonfaceError: as `engine`.
    """
    names = study.engines()
    choice = names.formation if role == "formation" else names.dynamics
    return configured(engine(choice), study)


def job_engine(study: Study, metadata: Mapping[str, Any]) -> Engine | None:
    """Return the engine of a job of a study's flow; None if no engine does it.

    Args:
        study: with its engines.
        metadata: of the job, as `flows.naming` describes it.
    """
    if metadata.get("kind") is None:
        return None
    if study.spot_checks and metadata.get("part") == "spot check":
        return configured(engine(study.spot_checks.engine), study)
    if name := metadata.get("engine"):
        return configured(engine(name), study)
    return study_engine(study, metadata["role"])


def configured(engine_: SomeEngine, study: Study) -> SomeEngine:
    """Return an engine with what a study sets for it."""
    settings = StudySettings(
        protocol(study.protocol), study.vasp, study.dft, lambda: study_elements(study)
    )
    return engine_.configured(settings, NamedEngine)


def study_elements(study: Study) -> frozenset[str]:
    """Return the elements of all that a study computes, as far as its layers tell."""
    found = {element for system in study.systems for element in system.elements}
    # a layer that cannot be made is told by its own job
    for spec in study.interfaces:
        with suppress(StructureError):
            found |= interface_elements(spec)
    for layer in study.surfaces:
        with suppress(StructureError):
            found |= layer_elements(layer)
    for reference in study.references:
        found |= crystal_elements(reference.crystal)
    return frozenset(found)


def engine(choice: str | EngineChoice | Engine) -> Engine:
    """Return the engine for a name, an import path or a choice with arguments.

    >>> engine("ase.calculators.emt.EMT").name
    'emt'

    Args:
        choice: an engine stands for itself.

    Raises:
        IonfaceError: no engine has this name, or it is not installed.
    """
    if isinstance(choice, Engine):
        return choice
    if isinstance(choice, EngineChoice):
        return _spelled_out(choice)
    if not isinstance(choice, str):
        raise IonfaceError(
            f"{choice!r:.60} is no engine; give a name, as 'sevennet', or an import "
            "path, as 'ase.calculators.emt.EMT'"
        )
    known = engines()
    if choice in known:
        return known[choice]()
    if choice.startswith(PREFIX):
        return learned(choice)
    name, colon, weights = choice.partition(":")
    if colon and name in potentials():
        return pretrained(name, weights)
    if "." in choice:
        return from_import_path(choice, {}, "unspecified")
    close = get_close_matches(choice, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise IonfaceError(
        f"unknown engine {choice!r}; {hint}have {sorted(known)}, or the import path "
        "of an ASE calculator such as ase.calculators.emt.EMT"
    )


def _spelled_out(choice: EngineChoice) -> Engine:
    if choice.calculator:
        return from_import_path(
            choice.calculator,
            choice.arguments,
            choice.functional,
            choice.k_spacing,
            choice.cutoff,
        )
    if choice.name not in potentials():
        raise IonfaceError(
            f"no potential is called {choice.name!r}; have {sorted(potentials())}"
        )
    said = None if choice.functional == "unspecified" else choice.functional
    return pretrained(choice.name, choice.weights, choice.arguments, said)


@dataclass(frozen=True, repr=False)
class NamedEngine(MSONable, Engine):
    """An engine that is looked up where its job runs, not where it is planned.

    So a study is planned and submitted where the packages of a potential are missing.
    """

    name: str = ""

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        return NamedRelaxMaker(self.name, settings)

    @property
    def in_process(self) -> bool:
        """Tell whether it is a potential."""
        return engine(self.name).in_process

    def calculator(self) -> Calculator:
        """Return a fresh calculator of the potential."""
        return engine(self.name).calculator()

    def check_start(self, maker: Maker, *, here: bool) -> None:
        """Refuse an engine that is not installed."""
        del maker, here
        engine(self.name).level_of_theory()


@dataclass
class NamedRelaxMaker(Maker):
    """Relaxations by the engine of a name.

    Attributes:
        engine: its name.
        settings: when they are done.
        name: of the job.
    """

    engine: str
    settings: RelaxSettings
    name: str = "relax"

    def make(self, structure: Structure) -> Job:
        """Return the job of that engine.

        Raises:
            IonfaceError: it is not installed here.
        """
        job: Job = engine(self.engine).relax(self.settings).make(structure)
        return job


def are_one(first: Engine, second: Engine) -> bool:
    """Tell whether two engines are one potential, whatever they are called."""
    if not second.in_process:
        return False
    if isinstance(first, AseEngine) and isinstance(second, AseEngine):
        return named_potentials.are_one(first.potential, second.potential)
    return not first.level_of_theory().differences(second.level_of_theory())
