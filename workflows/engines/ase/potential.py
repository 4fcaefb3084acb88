"""Machine-learning potentials and any other ASE calculator, as engines.

A model is identified by its package's version and the hash of its weights, never by
its name alone: names are re-used for other weights, and libraries fall back silently.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Element, Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.files import file_digest
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings

MPTRJ = tuple(Element.from_Z(z).symbol for z in range(1, 95) if z not in range(84, 89))
"""Elements of the MPtrj data (Po, At, Rn, Fr and Ra are missing), which SevenNet-0 and
CHGNet were trained on; doi:10.1038/s42256-023-00716-3."""


@dataclass(frozen=True)
class Potential(MSONable):
    """An ASE calculator, its arguments and what its energies mean.

    Attributes:
        name: for users.
        calculator: import path of the calculator's class.
        arguments: of the calculator.
        functional: the reference data's functional, in words.
        model: name of the model within its package.
        weights: file whose hash identifies the model; None where there is none.
        elements: that it was made for; None where that is not known.
    """

    name: str
    calculator: str
    arguments: dict[str, Any] = field(default_factory=dict)
    functional: str = "unspecified"
    model: str | None = None
    weights: str | None = None
    elements: tuple[str, ...] | None = None

    def check_elements(self, structure: Structure) -> None:
        """Refuse a structure with elements that the potential was not made for.

        Raises:
            IonfaceError: names them, and what else could be used. Some models would
                return a number for any element.
        """
        if self.elements is None:
            return
        if unknown := sorted(set(structure.symbol_set) - set(self.elements)):
            few = f": {', '.join(self.elements)}" if len(self.elements) < 20 else ""
            raise IonfaceError(
                f"engine {self.name!r} was not made for {', '.join(unknown)} in "
                f"{structure.composition.reduced_formula}; it knows "
                f"{len(self.elements)} elements{few}. "
                "Choose another engine (sevennet and chgnet know 89 elements)"
            )

    def level_of_theory(self) -> LevelOfTheory:
        """Return code, version, model and weights as installed on this machine."""
        package = self.calculator.partition(".")[0]
        return LevelOfTheory(
            code=package,
            version=_version(package),
            functional=self.functional,
            model=self.model or self._described_arguments(),
            weights=_sha256(self.weights) if self.weights else None,
        )

    def _described_arguments(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in sorted(self.arguments.items()))
        return f"{self.calculator.rpartition('.')[2]}({arguments})"

    def atomate2_name(self) -> dict[str, str]:
        """Return the calculator as atomate2's force-field makers take it."""
        module, _, name = self.calculator.rpartition(".")
        return {"@module": module, "@callable": name}

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations at a fixed cell."""
        from ionface.workflows.engines.ase.relax import PotentialRelaxMaker

        return PotentialRelaxMaker(
            name="relax",
            potential=self,
            force_field_name=self.atomate2_name(),
            calculator_kwargs=dict(self.arguments),
            relax_cell=False,
            steps=settings.steps,
            relax_kwargs={"fmax": settings.fmax},
            must_converge=settings.must_converge,
        )

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        from ionface.workflows.engines.ase.relax import PotentialRelaxMaker

        return PotentialRelaxMaker(
            name="static",
            potential=self,
            force_field_name=self.atomate2_name(),
            calculator_kwargs=dict(self.arguments),
            relax_cell=False,
            steps=1,
        )

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of NVT dynamics."""
        from ionface.workflows.engines.ase.md import PotentialDynamicsMaker

        return PotentialDynamicsMaker(
            name="dynamics",
            potential=self,
            force_field_name=self.atomate2_name(),
            calculator_kwargs=dict(self.arguments),
            temperature=settings.temperature,
            time_step=settings.timestep,
            n_steps=settings.steps,
            traj_interval=settings.stride,
            mb_velocity_seed=settings.seed,
            thermostat_period=settings.period,
        )


def sevennet() -> Potential:
    """Return SevenNet-0 (11 July 2024), whose energies are on the raw PBE scale.

    Source: Park et al., J. Chem. Theory Comput. 20, 4857 (2024),
    doi:10.1021/acs.jctc.4c00190.
    """
    _require("sevenn", "sevennet")
    from sevenn import _const

    return Potential(
        name="sevennet",
        calculator="sevenn.calculator.SevenNetCalculator",
        arguments={"model": "7net-0"},
        functional="PBE (raw MPtrj energies)",
        model="SevenNet-0 11Jul2024",
        weights=_existing(_const.SEVENNET_0_11Jul2024),
        elements=MPTRJ,
    )


def chgnet() -> Potential:
    """Return CHGNet 0.3.0, whose energies carry Materials Project corrections.

    Source: Deng et al., Nat. Mach. Intell. 5, 1031 (2023),
    doi:10.1038/s42256-023-00716-3.
    """
    _require("chgnet", "chgnet")
    import chgnet as package

    folder = Path(str(package.__file__)).parent / "pretrained" / "0.3.0"
    return Potential(
        name="chgnet",
        calculator="chgnet.model.dynamics.CHGNetCalculator",
        arguments={},
        functional="PBE with Materials Project 2020 corrections",
        model="CHGNet 0.3.0",
        weights=_existing(next(folder.glob("*.pth.tar"), folder)),
        elements=MPTRJ,
    )


def from_import_path(
    path: str, arguments: Mapping[str, Any], functional: str
) -> Potential:
    """Return any ASE calculator as an engine.

    Args:
        path: of the class, as in "ase.calculators.emt.EMT".
        arguments: of the class; one that names an existing file is taken for the
            weights, and the file's hash enters the level of theory.
        functional: what the energies mean.

    Raises:
        IonfaceError: nothing can be imported from this path.
    """
    module, _, name = path.rpartition(".")
    try:
        getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise IonfaceError(
            f"no calculator at {path!r}: {error}; give the full import path of an ASE "
            "calculator class that is installed here"
        ) from error
    files = [v for v in arguments.values() if isinstance(v, str) and Path(v).is_file()]
    return Potential(
        name=name.lower(),
        calculator=path,
        arguments=dict(arguments),
        functional=functional,
        weights=str(Path(files[0]).resolve()) if files else None,
        elements=_told_elements(module),
    )


def _told_elements(module: str) -> tuple[str, ...] | None:
    """Return the elements that a calculator's module has parameters for."""
    parameters = getattr(import_module(module), "parameters", None)
    if isinstance(parameters, dict) and all(map(Element.is_valid_symbol, parameters)):
        return tuple(sorted(parameters))
    return None


def _require(package: str, name: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise IonfaceError(
            f"engine {name!r} needs the package {package!r}, which cannot be imported "
            f"({error}); install it with: pip install 'ionface[mlip]'"
        ) from error


def _existing(path: str | Path) -> str:
    if not Path(path).is_file():
        raise IonfaceError(
            f"the weights {path} are not in the installed package; reinstall it with: "
            "pip install --force-reinstall 'ionface[mlip]'"
        )
    return str(path)


def _version(package: str) -> str:
    distributions = packages_distributions().get(package, [package])
    try:
        return version(distributions[0])
    except PackageNotFoundError:
        return "unversioned"


@lru_cache(maxsize=8)
def _sha256(path: str) -> str:
    return file_digest(path)
