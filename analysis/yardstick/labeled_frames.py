"""Structures with first-principles energies and forces, whatever file they stand in.

`stored()` are the ones that come with the package; `label_files` reads others. Energies
belong together only inside one group and at one level of theory; `may_be_subtracted`
knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import as_file, files
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.result import plain
from ionface.errors import AnalysisError
from ionface.files import atomic_path

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
SETTINGS = (
    "code", "functional", "cutoff_ev", "k_points", "smearing", "pseudopotentials",
    "dispersion", "details", "by_element", "emulated",
)  # fmt: skip
"""What is kept of a level of theory, and its keys in extended XYZ."""

VACUUM = 6.0  # Å on each side: potentials see no further than twice that

OWN_MESH = frozenset({"k_points", "smearing"})
"""Differ from cell to cell where energies still have one zero."""


@dataclass(frozen=True, eq=False)
class LabeledFrame:
    """A structure with what first principles say of it.

    Attributes:
        name: of the structure.
        group: of structures whose energies may be subtracted; also its kind in tables.
        species: chemical symbols.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        positions: Cartesian, Å, shape (n_atoms, 3).
        energy: eV.
        forces: eV/Å, shape (n_atoms, 3).
        settings: of the calculation, as far as they are known; keys are `SETTINGS`,
            values as `LevelOfTheory` has them.
    """

    name: str
    group: str
    species: tuple[str, ...]
    lattice: Array
    positions: Array
    energy: float
    forces: Array
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def composition(self) -> Mapping[str, float]:
        """Return the share of each element."""
        return {
            s: self.species.count(s) / len(self.species)
            for s in sorted(set(self.species))
        }

    @property
    def level(self) -> LevelOfTheory:
        """Return what the settings tell of the level of theory."""
        told: dict[str, Any] = dict.fromkeys(("code", "version", "functional"), "")
        told |= {key: self.settings[key] for key in SETTINGS if key in self.settings}
        for key in ("pseudopotentials", "details"):
            value = told.get(key) or ()
            told[key] = tuple(value) if isinstance(value, list | tuple) else (value,)
        special = told.get("by_element", {})
        told["by_element"] = {s: special.get(s, "") for s in self.composition}
        return LevelOfTheory(**told)

    def atoms(self) -> Atoms:
        """Return it for ASE, with its energy and forces."""
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator

        made = Atoms(self.species, self.positions, cell=self.lattice, pbc=True)
        made.info = {"name": self.name, "group": self.group, **self.settings}
        made.calc = SinglePointCalculator(made, energy=self.energy, forces=self.forces)
        return made


def may_be_subtracted(first: LabeledFrame, second: LabeledFrame) -> bool:
    """Tell whether two energies per atom have one zero."""
    return (
        first.group == second.group
        and first.composition == second.composition
        and (
            first.settings == second.settings or of_one_zero(first.level, second.level)
        )
    )


def of_one_zero(first: LevelOfTheory, second: LevelOfTheory) -> bool:
    """Tell whether two levels put every element that both have at one energy."""
    return first.differences(second).keys() <= OWN_MESH


def settings_of(level: Mapping[str, Any]) -> dict[str, Any]:
    """Return what labels keep of a level of theory, given as plain data."""
    told = {key: level[key] for key in SETTINGS if level.get(key)}
    special = {k: v for k, v in told.pop("by_element", {}).items() if v}
    return told | ({"by_element": special} if special else {})


def distinct(frames: Sequence[LabeledFrame]) -> list[LabeledFrame]:
    """Return the structures with names that stand once."""
    taken: set[str] = set()
    found = []
    for frame in frames:
        again = (f"{frame.name} ({n})" for n in count(2))
        name = next(each for each in chain([frame.name], again) if each not in taken)
        taken.add(name)
        found.append(replace(frame, name=name))
    return found


@lru_cache(maxsize=1)
def stored() -> tuple[LabeledFrame, ...]:
    """Return the structures that come with the package, computed with GPAW and PBE."""
    shared = {k: rules()[k] for k in ("functional", "code", "pseudopotentials")}
    with as_file(files("ionface.analysis.yardstick") / "data") as folder:
        return tuple(read_extxyz(folder / "yardstick.extxyz", shared))


@lru_cache(maxsize=1)
def rules() -> Mapping[str, Any]:
    """Return reactions, surfaces and resolution of the stored structures."""
    path = files("ionface.analysis.yardstick") / "data" / "yardstick.yaml"
    found: Mapping[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def read_extxyz(path: Path, shared: Mapping[str, Any]) -> list[LabeledFrame]:
    """Return the structures of an extended XYZ file.

    Args:
        path: of the file. Names and groups are its keys `name` and `group` (or
            config_type); without a group, structures of one formula are one. Along
            directions that are not periodic its structures are put into vacuum.
        shared: settings that hold for all.

    Raises:
        AnalysisError: one has no energy or no forces, or no cell where it is periodic.
    """
    from ase.io import read

    try:
        images: list[Atoms] = list(read(path, ":", format="extxyz"))
    except (ValueError, KeyError, OSError, IndexError) as error:
        raise AnalysisError(
            f"{path} is no extended XYZ file ({error}); give one with energy= and "
            "forces:R:3"
        ) from error
    return [_labeled(image, path, n, shared) for n, image in enumerate(images)]


def write_frames(frames: Sequence[LabeledFrame], path: Path) -> None:
    """Write structures as one extended XYZ file."""
    from ase.io import write

    with atomic_path(path) as part:
        write(part, [frame.atoms() for frame in frames], format="extxyz")


def _labeled(
    image: Atoms, path: Path, number: int, shared: Mapping[str, Any]
) -> LabeledFrame:
    results = getattr(image.calc, "results", {})
    if missing := [key for key in ("energy", "forces") if key not in results]:
        raise AnalysisError(
            f"structure {number + 1} of {path} has no {' and no '.join(missing)}; "
            "label it first, or take it out"
        )
    image = _in_vacuum(image, f"structure {number + 1} of {path}")
    info, formula = image.info, image.get_chemical_formula(empirical=True)
    return LabeledFrame(
        name=str(info.get("name", f"{path.stem}-{number + 1}")),
        group=str(info.get("group", info.get("config_type", formula))),
        species=tuple(image.get_chemical_symbols()),
        lattice=image.cell.array,
        positions=image.positions,
        energy=float(results["energy"]),
        forces=np.asarray(results["forces"], dtype=np.float64),
        settings={**shared, **plain({k: info[k] for k in SETTINGS if k in info})},
    )


def _in_vacuum(image: Atoms, where: str) -> Atoms:
    """Return a structure with vacuum along each direction that is not periodic.

    So every engine may repeat it, as some do whatever they are told: no image is felt.
    """
    empty = image.pbc & ~image.cell.any(1)
    if empty.any():
        named = ", ".join("abc"[k] for k in np.flatnonzero(empty))
        raise AnalysisError(
            f"{where} is periodic (pbc) along {named}, but Lattice has no such vector; "
            "give it one, or pbc=F there"
        )
    made = image.copy()
    made.center(vacuum=VACUUM, axis=tuple(np.flatnonzero(~image.pbc)))
    return made
