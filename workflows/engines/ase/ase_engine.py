"""An ASE calculator as an engine, from any import path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ase.calculators.calculator import Calculator
from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Element

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.workflows.engines.ase.md import PotentialDynamicsMaker
from ionface.workflows.engines.ase.potential import Potential, calculator_class
from ionface.workflows.engines.ase.relax import PotentialRelaxMaker
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings

LEARNED_GIB = 3.0
"""Of a process with torch, a model and some hundred atoms: 1.3 to 2.5 GiB were seen."""


@dataclass(frozen=True, repr=False)
class AseEngine(MSONable, Engine):
    """A potential as an engine.

    Attributes:
        potential: the calculator and its identity.
    """

    potential: Potential

    @property
    def name(self) -> str:  # type: ignore[override]  # nobody sets it
        """Return the potential's name."""
        return self.potential.name

    def level_of_theory(self) -> LevelOfTheory:
        """Return code, version, model and weights as installed on this machine."""
        return self.potential.level_of_theory()

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements that the potential was not made for."""
        self.potential.check_elements(symbols, where)

    @property
    def in_process(self) -> bool:
        """Tell whether it is a potential, whose energies take seconds at most."""
        return not self.potential.first_principles

    @property
    def worker_gib(self) -> float:
        """Return what some hundred atoms take in a learned potential."""
        toy = self.potential.calculator.startswith("ase.")
        return 0.0 if toy else LEARNED_GIB

    def calculator(self) -> Calculator:
        """Return a fresh calculator."""
        return self.potential.load()

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        return PotentialRelaxMaker(self.potential, settings, name="relax")

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return PotentialRelaxMaker(self.potential, name="static")

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics."""
        return PotentialDynamicsMaker(self.potential, settings)


def from_import_path(
    path: str,
    arguments: Mapping[str, Any],
    functional: str,
    k_spacing: float | None = None,
    cutoff: float | None = None,
) -> AseEngine:
    """Return any ASE calculator as an engine.

    Args:
        path: of the class, as in "ase.calculators.emt.EMT".
        arguments: of the class; one that names an existing file is taken for the
            weights, and the file's hash enters the level of theory.
        functional: what the energies mean.
        k_spacing: of a first-principles calculator, Å⁻¹; None for a potential.
        cutoff: of its plane waves, eV; None for a potential.

    Raises:
        IonfaceError: nothing can be imported from this path.
    """
    calculator_class(path)
    module, _, name = path.rpartition(".")
    files = [v for v in arguments.values() if isinstance(v, str) and Path(v).is_file()]
    return AseEngine(
        Potential(
            name=name.lower(),
            calculator=path,
            arguments=dict(arguments),
            functional=functional,
            weights=str(Path(files[0]).resolve()) if files else None,
            elements=_parametrized_elements(module),
            k_spacing=k_spacing,
            cutoff=cutoff,
        )
    )


def _parametrized_elements(module: str) -> tuple[str, ...] | None:
    """Return the elements that a calculator's module has parameters for."""
    parameters = getattr(import_module(module), "parameters", None)
    if isinstance(parameters, dict) and all(map(Element.is_valid_symbol, parameters)):
        return tuple(sorted(parameters))
    return None
