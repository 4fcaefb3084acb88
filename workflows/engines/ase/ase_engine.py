"""Engines on ASE calculators: the pretrained potentials, and any import path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ase.calculators.calculator import Calculator
from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Element

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError, NotInstalledError
from ionface.workflows.engines.ase.md import PotentialDynamicsMaker
from ionface.workflows.engines.ase.potential import Potential, calculator_class
from ionface.workflows.engines.ase.relax import PotentialRelaxMaker
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings

MPTRJ = tuple(Element.from_Z(z).symbol for z in range(1, 95) if z not in range(84, 89))
"""Elements of the MPtrj data (Po, At, Rn, Fr and Ra are missing), which SevenNet-0 and
CHGNet were trained on; doi:10.1038/s42256-023-00716-3."""


@dataclass(frozen=True)
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
        """Return True: an energy takes seconds at most."""
        return True

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


def sevennet() -> AseEngine:
    """Return SevenNet-0 (11 July 2024), whose energies are on the raw PBE scale.

    Source: Park et al., J. Chem. Theory Comput. 20, 4857 (2024),
    doi:10.1021/acs.jctc.4c00190.
    """
    checkpoint = "pretrained_potentials/SevenNet_0__11Jul2024/checkpoint_sevennet_0.pth"
    return AseEngine(
        Potential(
            name="sevennet",
            calculator="sevenn.calculator.SevenNetCalculator",
            arguments={"model": "7net-0"},
            functional="PBE (raw MPtrj energies)",
            model="SevenNet-0 11Jul2024",
            weights=_weights("sevenn", "sevennet", checkpoint),
            elements=MPTRJ,
        )
    )


def chgnet() -> AseEngine:
    """Return CHGNet 0.3.0, whose energies carry Materials Project corrections.

    Source: Deng et al., Nat. Mach. Intell. 5, 1031 (2023),
    doi:10.1038/s42256-023-00716-3.
    """
    return AseEngine(
        Potential(
            name="chgnet",
            calculator="chgnet.model.dynamics.CHGNetCalculator",
            functional="PBE with Materials Project 2020 corrections",
            model="CHGNet 0.3.0",
            weights=_weights("chgnet", "chgnet", "pretrained/0.3.0/*.pth.tar"),
            elements=MPTRJ,
        )
    )


def from_import_path(
    path: str, arguments: Mapping[str, Any], functional: str
) -> AseEngine:
    """Return any ASE calculator as an engine.

    Args:
        path: of the class, as in "ase.calculators.emt.EMT".
        arguments: of the class; one that names an existing file is taken for the
            weights, and the file's hash enters the level of theory.
        functional: what the energies mean.

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
        )
    )


def _parametrized_elements(module: str) -> tuple[str, ...] | None:
    """Return the elements that a calculator's module has parameters for."""
    parameters = getattr(import_module(module), "parameters", None)
    if isinstance(parameters, dict) and all(map(Element.is_valid_symbol, parameters)):
        return tuple(sorted(parameters))
    return None


def _weights(package: str, engine: str, pattern: str) -> str:
    """Return the path of the weights that an installed package carries.

    The package is not imported, which would load torch: an engine is often asked only
    what it is.

    Raises:
        IonfaceError: the package, torch or the file is not there.
    """
    spec = find_spec(package)
    if spec is None or find_spec("torch") is None:
        raise NotInstalledError(
            f"engine {engine!r} needs the package {package!r} and torch, which are not "
            "installed here; install them with: pip install 'ionface[mlip]'"
        )
    folder = Path(str(spec.origin)).parent
    if not (files := list(folder.glob(pattern))):
        raise IonfaceError(
            f"the weights {folder / pattern} are not in the installed package; "
            "reinstall it with: pip install --force-reinstall 'ionface[mlip]'"
        )
    return str(files[0])
