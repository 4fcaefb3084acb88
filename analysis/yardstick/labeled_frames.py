"""Structures with first-principles energies and forces, whatever file they stand in.

`stored()` are the ones that come with the package, `read_frames` reads extended XYZ and
the folders of VASP runs. Energies belong together only inside one group and at one set
of settings; `may_be_subtracted` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ionface.errors import AnalysisError
from ionface.files import atomic_path

if TYPE_CHECKING:
    from ase import Atoms

Array = NDArray[np.float64]
MOST_PER_RUN = 10
"""Steps that are taken of one run: neighbors in a relaxation say the same twice."""

SETTINGS = (
    "code", "functional", "cutoff_ev", "k_points", "smearing", "pseudopotentials",
)  # fmt: skip


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
        settings: of the calculation, as far as they are known: functional, cutoff_ev,
            k_points, smearing, code, pseudopotentials.
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
    same = ("functional", "cutoff_ev", "code", "pseudopotentials")
    return (
        first.group == second.group
        and first.composition == second.composition
        and all(first.settings.get(key) == second.settings.get(key) for key in same)
    )


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


def read_frames(paths: Sequence[Path]) -> list[LabeledFrame]:
    """Return the structures of extended XYZ files and of folders of VASP runs.

    Args:
        paths: files, folders of runs, or folders of such folders.

    Raises:
        AnalysisError: nothing is there, or it has no energies or forces.
    """
    found: list[LabeledFrame] = []
    for path in paths:
        if not path.exists():
            raise AnalysisError(
                f"{path} does not exist; give an extended XYZ file or VASP folders"
            )
        runs = sorted(path.rglob("vasprun.xml*")) if path.is_dir() else []
        if path.is_dir() and not runs:
            raise AnalysisError(f"no vasprun.xml below {path}; give a folder that has")
        for file in runs or [path]:
            of_vasp = "vasprun" in file.name or file.suffix == ".xml"
            found += _of_vasp(file) if of_vasp else read_extxyz(file, {})
    return found


def read_extxyz(path: Path, shared: Mapping[str, Any]) -> list[LabeledFrame]:
    """Return the structures of an extended XYZ file.

    Args:
        path: of the file. Names and groups are its keys `name` and `group` (or
            config_type); without a group, structures of one formula are one.
        shared: settings that hold for all.

    Raises:
        AnalysisError: one has no energy or no forces.
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
    info, formula = image.info, image.get_chemical_formula(empirical=True)
    return LabeledFrame(
        name=str(info.get("name", f"{path.stem}-{number + 1}")),
        group=str(info.get("group", info.get("config_type", formula))),
        species=tuple(image.get_chemical_symbols()),
        lattice=image.cell.array,
        positions=image.positions,
        energy=float(results["energy"]),
        forces=np.asarray(results["forces"], dtype=np.float64),
        settings={**shared, **{key: info[key] for key in SETTINGS if key in info}},
    )


def _of_vasp(path: Path) -> Iterator[LabeledFrame]:
    """Yield some steps of a VASP run, evenly spaced, its last one among them."""
    from ase import Atoms

    from ionface.analysis.readers.vasp_level import vasp_level
    from ionface.analysis.readers.vasprun import VasprunStream

    stream = VasprunStream(path)
    steps = [step for step in stream.steps() if step.forces is not None]
    if not steps:
        raise AnalysisError(f"{path} has no step with forces; let the run end")
    species = tuple(stream.settings.species)
    level = vasp_level(stream.settings).as_dict()
    settings = {key: level[key] for key in SETTINGS if level.get(key)}
    count = min(MOST_PER_RUN, len(steps))
    formula = Atoms(species).get_chemical_formula(empirical=True)
    for n in np.linspace(len(steps) - 1, 0, count).round().astype(int):
        step = steps[n]
        forces = step.forces
        assert forces is not None
        yield LabeledFrame(
            name=f"{path.parent.name}-{n + 1}",
            group=formula,
            species=species,
            lattice=step.lattice,
            positions=step.fractional @ step.lattice,
            energy=step.energies["e_0_energy"],
            forces=forces,
            settings=settings,
        )
