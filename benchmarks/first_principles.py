"""GPAW and CP2K through their engines, against stored energies and forces.

    python benchmarks/first_principles.py yardstick gpaw WORK [NAME ...]
    python benchmarks/first_principles.py lithium cp2k WORK
    python benchmarks/first_principles.py settings WORK NAME
    python benchmarks/first_principles.py interface WORK PROJECT NAME WAVES MESH
    python benchmarks/first_principles.py cost FOLDER

NAME is a stored structure, all of them if there is none. FOLDER holds extxyz files
whose headers name the cutoff (PW), the k-mesh and the CPU seconds. PROJECT has relaxed
the interface NAME and its slabs, or has begun to: GPAW computes them where they lie,
with WAVES a cutoff in eV, or lcao, and a mesh as in 2x2x1. Each point takes minutes on
one core, and is kept below WORK: run again, only what is missing is computed.
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
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from ase import Atoms
from ase.build import bulk
from ase.io import read
from jobflow import Job
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from scipy.optimize import least_squares
from spglib import get_symmetry

# benchmarks/structures.py has the name of the package, which this folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ionface.analysis.yardstick.labeled_frames import LabeledFrame, stored
from ionface.workflows.engines.ase.relax import HISTORY
from ionface.workflows.engines.cp2k.program import Cp2kProgram
from ionface.workflows.engines.cp2k.settings import CUTOFF
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.durable import job_folder
from ionface.workflows.engines.gpaw import cost
from ionface.workflows.engines.gpaw.program import GpawProgram
from ionface.workflows.engines.k_mesh import irreducible
from ionface.workflows.engines.records import relabeled
from ionface.workflows.engines.single_points import of_unknown_phases
from ionface.workflows.projects.project import Project

ITERATION = re.compile(r"^\|iter: *\d+\||^ +\d+ Broy\./Diag\. ", re.MULTILINE)
EV_PER_A2 = 16.02176634  # J/m²
MESH = re.compile(r"k=\((\d+), ?(\d+), ?(\d+)\)")
PW = re.compile(r"PW\((\d+)\)")
LI_A, LI_LAYERS = 3.44, 7
SETTINGS: dict[str, dict[str, Any]] = {
    "usual": {},
    "600 Ry": {"cutoff": 2 * CUTOFF},
    "TZVP": {"basis": "TZVP-MOLOPT-PBE-GTH"},
}
"""Of CP2K, the usual ones first; the cutoff of each Gaussian goes with the other."""

TERMS = ("film", "substrate", "interface")


class Meshed:
    """A mesh that was chosen elsewhere, and that the structure carries."""

    def divisions(self, structure: Structure) -> tuple[int, int, int]:
        """Return it."""
        return tuple(structure.properties["mesh"])


class MeshedGpaw(Meshed, GpawProgram):
    """GPAW with such a mesh."""


class MeshedCp2k(Meshed, Cp2kProgram):
    """CP2K with such a mesh."""


def program_of(engine: str, cutoff: float, width: float = 0.05) -> DftProgram:
    """Return an engine's program; the cutoff is that of GPAW's plane waves."""
    if engine == "gpaw":
        return MeshedGpaw(cutoff=cutoff, width=width, dipole="off")
    return MeshedCp2k(width=width, dipole="off")


def computed(folder: Path, program: DftProgram, structure: Structure) -> dict[str, Any]:
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
        "scf": sum(
            len(ITERATION.findall(log.read_text()))
            for log in (folder / "gpaw.txt", folder / "scf" / "cp2k.out")
            if log.is_file()
        ),
        "memory_gb": after.ru_maxrss / 1e6,
    }
    file.write_text(json.dumps(found))
    (folder / "density.gpw").unlink(missing_ok=True)
    return found


def stored_point(frame: LabeledFrame) -> tuple[Structure, float, float]:
    """Return a stored structure that knows its mesh; its cutoff and smearing, eV."""
    structure = of_unknown_phases(frame.atoms())
    mesh = re.match(r"(\d+)x(\d+)x(\d+) Gamma", str(frame.settings["k_points"]))
    structure.properties["mesh"] = [int(n) for n in mesh.groups()] if mesh else None
    width = float(str(frame.settings["smearing"]).split()[1])
    return structure, float(frame.settings["cutoff_ev"]), width


def yardstick(engine: str, work: Path, names: list[str]) -> None:
    """Compute stored structures again with the settings that stand beside them."""
    frames = {frame.name: frame for frame in stored()}
    for name in names or frames:
        frame = frames[name]
        structure, cutoff, width = stored_point(frame)
        if structure.properties["mesh"] is None:
            print(f"{name}: its mesh is not centered on Γ")
            continue
        point = computed(work / name, program_of(engine, cutoff, width), structure)
        energy = 1000 * (point["energy"] - frame.energy) / len(structure)
        apart = np.array(point["forces"]) - frame.forces
        # CP2K's energies are those of all its electrons, on another scale
        told = f"{energy:+.2f} meV/atom, " if engine == "gpaw" else ""
        print(
            f"{name}: {told}forces {rms(apart):.3f} eV/Å rms, "
            f"{np.abs(apart).max():.3f} at most, {cost_of(point)}",
            flush=True,
        )


def lithium(engine: str, work: Path) -> None:
    """Surface energy of Li(100), J/m²: slab and crystal on the same mesh."""
    program, n = program_of(engine, 480), 12
    slab = computed(work / "li-100", program, li_slab(n))
    crystal = computed(work / f"li-bulk-{n}", program, li_crystal(n))
    print(f"Li bulk, {n}³: {crystal['energy']:.4f} eV/atom, {cost_of(crystal)}")
    print(f"Li(100): {li_surface(slab, crystal):.3f} J/m², {cost_of(slab)}")


def li_crystal(n: int) -> Structure:
    """Bulk lithium on a mesh of n³."""
    crystal = AseAtomsAdaptor.get_structure(bulk("Li", "bcc", LI_A))
    crystal.properties["mesh"] = [n, n, n]
    return crystal


def li_slab(n: int) -> Structure:
    """Seven layers of Li(100), not relaxed, on a mesh of n x n x 1."""
    heights = 7.5 + LI_A / 2 * np.arange(LI_LAYERS)
    sides = LI_A / 2 * (np.arange(LI_LAYERS) % 2)
    slab = Atoms(
        f"Li{LI_LAYERS}",
        positions=np.column_stack([sides, sides, heights]),
        cell=[LI_A, LI_A, LI_LAYERS * LI_A / 2 + 15],
        pbc=True,
    )
    structure = AseAtomsAdaptor.get_structure(slab)
    structure.properties["mesh"] = [n, n, 1]
    return structure


def li_surface(slab: dict[str, Any], crystal: dict[str, Any]) -> float:
    """Return the energy of the slab's surfaces, J/m²."""
    excess = slab["energy"] - LI_LAYERS * crystal["energy"]
    return float(excess / (2 * LI_A**2) * EV_PER_A2)


def cost_of(point: dict[str, Any]) -> str:
    """Return in words what a point took."""
    return f"{point['cpu_s']:.0f} cpu s, {point['scf']} steps"


def settings(work: Path, name: str) -> None:
    """Move CP2K's settings one by one: forces of a structure, and Li(100) on 8³."""
    frame = next(frame for frame in stored() if frame.name == name)
    structure = stored_point(frame)[0]
    usual = None
    for told, changed in SETTINGS.items():
        program = MeshedCp2k(dipole="off", **changed)
        # the usual ones were computed beside the stored structures
        place = work / told if changed else work
        point = computed(place / name, program, structure)
        forces = np.array(point["forces"])
        usual = forces if usual is None else usual
        slab = computed(work / told / "li-100-8", program, li_slab(8))
        crystal = computed(work / told / "li-bulk-8", program, li_crystal(8))
        print(
            f"{told}: forces {rms(forces - usual):.4f} eV/Å rms from the usual, "
            f"{rms(forces - frame.forces):.4f} from those stored, "
            f"{cost_of(point)}; Li(100) on 8³ {li_surface(slab, crystal):.3f} J/m²",
            flush=True,
        )


def interface(work: Path, root: Path, name: str, waves: str, mesh: str) -> None:
    """Formation energy of an interface and its slabs as a project relaxed them."""
    project, points, area = Project.open(root), {}, 0.0
    orbitals = waves == "lcao"
    program = MeshedGpaw(mode="lcao") if orbitals else MeshedGpaw(cutoff=float(waves))
    for job, _ in project.jobs():
        term = job.metadata["task"].removeprefix("relax ")
        if job.metadata["subject"] != name or term not in TERMS:
            continue
        structure = where_it_stands(project, job)
        structure.properties["mesh"] = [int(n) for n in mesh.split("x")]
        a, b, _ = structure.lattice.matrix
        area = float(np.linalg.norm(np.cross(a, b)))
        place = work / f"{waves if orbitals else waves + ' eV'} {mesh}" / term
        points[term] = point = computed(place, program, structure)
        largest = np.linalg.norm(point["forces"], axis=1).max()
        told = f"{term} ({len(structure)} atoms): {point['energy']:.3f} eV"
        print(f"{told}, force {largest:.2f} eV/Å, {cost_of(point)}", flush=True)
    excess = points["interface"]["energy"]
    excess -= points["film"]["energy"] + points["substrate"]["energy"]
    print(f"{name}: {excess:.3f} eV on {area:.2f} Å², {excess / area * EV_PER_A2:.3f}")


def where_it_stands(project: Project, job: Job) -> Structure:
    """Return what a job has relaxed, or the last of its steps so far."""
    history = job_folder(job, project.runs) / HISTORY
    if not history.is_file():
        output = project.store.get_output(job.uuid, load=True)
        return Structure.from_dict(output["structure"])
    given = job.resolve_args(project.store, inplace=False).function_args[0]
    last = AseAtomsAdaptor.get_structure(read(history, index=-1))
    return relabeled(given, last)


def rms(apart: Any) -> float:
    """Return the root mean square of all components."""
    return float(np.sqrt((apart**2).mean()))


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
        program = GpawProgram(cutoff=float(PW.search(settings)[1]))
        need = cost.size(program, structure)
        # of a shifted even mesh, time reversal leaves half
        points = int(np.prod(mesh)) // 2 if shifted else irreducible(mesh)
        runs.append(
            {
                "name": file.stem,
                "atoms": len(structure),
                "points": points,
                "bands": round(float(need.bands)),
                "waves": round(float(need.waves * (1 + need.real))),
                "seconds": float(atoms.info["cpu_s"]),
            }
        )
    # large cells at Γ were measured one by one
    runs += [run for run in cost.fitted()["runs"] if run.get("real")]
    terms = np.array([cost.work_of(run) for run in runs])
    seconds = np.array([run["seconds"] for run in runs])

    def logarithms(powers: Any) -> Any:
        return np.log(terms @ np.exp(powers) / seconds)

    found = np.exp(least_squares(logarithms, [3.0, 3.0]).x)
    print(yaml.safe_dump(runs, default_flow_style=None, sort_keys=False))
    print("fit:", found)
    print("modelled over measured:", np.round(terms @ found / seconds, 2))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    what, *rest = sys.argv[1:]
    if what == "yardstick":
        yardstick(rest[0], Path(rest[1]).resolve(), rest[2:])
    elif what == "lithium":
        lithium(rest[0], Path(rest[1]).resolve())
    elif what == "settings":
        settings(Path(rest[0]).resolve(), rest[1])
    elif what == "interface":
        work, root, name, waves, mesh = rest
        interface(Path(work).resolve(), Path(root), name, waves, mesh)
    else:
        costs(Path(rest[0]))
