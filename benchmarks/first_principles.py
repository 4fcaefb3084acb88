"""GPAW through its engine, against stored energies and forces, and what it costs.

    python benchmarks/first_principles.py yardstick WORK FOLDER [NAME ...]
    python benchmarks/first_principles.py lithium WORK
    python benchmarks/first_principles.py cost FOLDER

FOLDER holds extxyz files with energies and forces whose header names the cutoff (PW),
the k-mesh and the smearing. Each point takes minutes on one core, and is kept below
WORK: run again, only what is missing is computed.
"""

# ruff: noqa: E402 - the path must be set before the package can be found

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase import Atoms
from ase.build import bulk
from ase.io import read
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from scipy.optimize import nnls
from spglib import get_symmetry

# benchmarks/structures.py has the name of the package, which this folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ionface.workflows.engines.gpaw import cost
from ionface.workflows.engines.gpaw.program import GpawProgram
from ionface.workflows.engines.k_mesh import irreducible

ITERATION = re.compile(r"^\|iter: *\d+\|", re.MULTILINE)
EV_PER_A2 = 16.02176634  # J/m²
MESH = re.compile(r"k=\((\d+), ?(\d+), ?(\d+)\)")
CUTOFF = re.compile(r"PW\((\d+)\)")
LARGEST = {
    "name": "Li|P-DOL, first points of its relaxation, 25 s an electronic step",
    "atoms": 90, "points": 1, "bands": 82, "waves": 81503, "seconds": 450.0,
}  # fmt: skip


class Meshed(GpawProgram):
    """GPAW with a mesh that was chosen elsewhere."""

    def divisions(self, structure: Structure) -> tuple[int, int, int]:
        """Return the mesh that the structure carries."""
        return tuple(structure.properties["mesh"])


def computed(
    folder: Path, program: GpawProgram, structure: Structure
) -> dict[str, Any]:
    """Return energy, forces and cost of a point; from its file if it is there."""
    file = folder / "point.json"
    if file.is_file():
        found: dict[str, Any] = json.loads(file.read_text())
        return found
    folder.mkdir(parents=True, exist_ok=True)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    with chdir(folder), program.opened(structure) as calculator:
        atoms = AseAtomsAdaptor.get_atoms(structure)
        atoms.calc = calculator
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "energy": float(energy),
        "forces": np.asarray(forces).tolist(),
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": time.time() - begun,
        "scf": len(ITERATION.findall((folder / "gpaw.txt").read_text())),
        "memory_gb": after.ru_maxrss / 1e6,
    }
    file.write_text(json.dumps(found))
    (folder / "density.gpw").unlink(missing_ok=True)
    return found


def yardstick(work: Path, folder: Path, names: list[str]) -> None:
    """Compute stored structures again with the settings of their headers."""
    for file in sorted(folder.glob("*.extxyz")):
        if names and file.stem not in names:
            continue
        atoms = read(file)
        settings = atoms.info["settings"]
        if "Monkhorst" in settings:
            print(f"{file.stem}: its mesh is not centered on Γ")
            continue
        mesh = MESH.search(settings)
        cutoff = float(CUTOFF.search(settings)[1])
        width = float(re.search(r"FermiDirac ([\d.]+)", settings)[1])
        program = Meshed(cutoff=cutoff, width=width, dipole="off")
        structure = AseAtomsAdaptor.get_structure(atoms)
        structure.properties["mesh"] = [int(n) for n in mesh.groups()]
        point = computed(work / file.stem, program, structure)
        energy = 1000 * (point["energy"] - atoms.get_potential_energy()) / len(atoms)
        worst = np.abs(np.array(point["forces"]) - atoms.get_forces()).max()
        print(
            f"{file.stem}: {energy:+.2f} meV/atom, forces {worst:.3f} eV/Å, "
            f"{point['cpu_s']:.0f} cpu s, {point['scf']} steps",
            flush=True,
        )


def lithium(work: Path) -> None:
    """Energy of bulk lithium, eV/atom, and of its (100) surface, J/m²."""
    a, layers = 3.44, 7
    program = GpawProgram(cutoff=480, dipole="off")
    crystal = AseAtomsAdaptor.get_structure(bulk("Li", "bcc", a))
    bulk_program = replace(program, spacing=0.22)  # 12 x 12 x 12
    per_atom = computed(work / "li-bulk", bulk_program, crystal)["energy"]
    print(f"Li bulk: {per_atom:.4f} eV/atom", flush=True)
    heights = 7.5 + a / 2 * np.arange(layers)
    sides = a / 2 * (np.arange(layers) % 2)
    slab = Atoms(
        f"Li{layers}",
        positions=np.column_stack([sides, sides, heights]),
        cell=[a, a, layers * a / 2 + 15],
        pbc=True,
    )
    structure = AseAtomsAdaptor.get_structure(slab)
    slab_program = replace(program, spacing=0.16)
    total = computed(work / "li-100", slab_program, structure)["energy"]
    surface = (total - layers * per_atom) / (2 * a * a) * EV_PER_A2
    print(f"Li(100): {surface:.3f} J/m²")


def has_symmetry(atoms: Atoms) -> bool:
    """Tell whether fewer k-points than by time reversal alone were computed."""
    cell = (atoms.cell[:], atoms.get_scaled_positions(), atoms.numbers)
    return len(get_symmetry(cell)["rotations"]) > 1


def costs(folder: Path) -> None:
    """Fit the model of `gpaw.cost` to the CPU seconds that headers name."""
    runs = []
    for file in sorted(folder.glob("*.extxyz")):
        atoms = read(file)
        if "cpu_s" not in atoms.info or has_symmetry(atoms):
            continue
        settings = atoms.info["settings"]
        mesh = tuple(map(int, MESH.search(settings).groups()))
        shifted = "Monkhorst" in settings
        structure = AseAtomsAdaptor.get_structure(atoms)
        program = GpawProgram(cutoff=float(CUTOFF.search(settings)[1]))
        _, bands, waves, _ = cost.size(program, structure)
        # of a shifted even mesh, time reversal leaves half
        points = int(np.prod(mesh)) // 2 if shifted else irreducible(mesh)
        runs.append(
            {
                "name": file.stem,
                "atoms": len(structure),
                "points": points,
                "bands": round(float(bands)),
                "waves": round(float(waves)),
                "seconds": float(atoms.info["cpu_s"]),
            }
        )
    runs.append(LARGEST)
    terms = cost.SCF_STEPS["energy"] * np.array(
        [cost.work(r["points"], r["bands"], r["waves"], 16 * r["waves"]) for r in runs]
    )
    seconds = np.array([r["seconds"] for r in runs])
    # relative errors count: points take from seconds to minutes
    found, _ = nnls(terms / seconds[:, None], np.ones(len(runs)))
    print(yaml.safe_dump(runs, default_flow_style=None, sort_keys=False))
    print("fit:", found)
    print("modelled over measured:", np.round(terms @ found / seconds, 2))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    what, *rest = sys.argv[1:]
    if what == "yardstick":
        yardstick(Path(rest[0]).resolve(), Path(rest[1]), rest[2:])
    elif what == "lithium":
        lithium(Path(rest[0]).resolve())
    else:
        costs(Path(rest[0]))
