"""A study of twenty interfaces beside a bare loop over ASE that relaxes the same atoms.

    python benchmarks/side_by_side.py [--engine emt sevennet] [--interfaces 20]
        [--workers 2] [--work FOLDER] [--write]

`ionface run --workers N` builds the models, relaxes interfaces and slabs, books the
energies and writes the report. The loop is what one would write without it: it takes
the first frame of each of those relaxations, relaxes it with the same calculator and
optimizer to the same force, one after the other, and keeps the energy. Both are
processes of their own, timed from start to end; that they did the same work is checked
by their energies. With a potential that costs nothing (EMT) the difference is what
ionface costs; with one that does, what its workers gain.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import yaml
from pymatgen.core import Lattice, Structure

LATTICES = {"Al": 4.05, "Ag": 4.09, "Au": 4.08, "Cu": 3.61, "Ni": 3.52,
            "Pd": 3.89, "Pt": 3.92}  # fmt: skip
"""Å; face-centered cubic metals that both potentials know (ASE's EMT, MPtrj)."""
PAIRS = [("Al", "Ag"), ("Al", "Au"), ("Ag", "Au"), ("Cu", "Ni"), ("Pd", "Pt"),
         ("Au", "Al"), ("Ag", "Al")]  # fmt: skip
FACETS = [[1, 0, 0], [1, 1, 1], [1, 1, 0]]
ENGINES = {"emt": "ase.calculators.emt.EMT", "sevennet": "sevennet"}
FMAX, LAYERS = 0.02, 4
TABLE = Path(__file__).parent / "results" / "side_by_side.md"


def write_study(folder: Path, engine: str, interfaces: int) -> Path:
    """Write crystals and a study of so many interfaces."""
    corners = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    for symbol, a in LATTICES.items():
        crystal = Structure(Lattice.cubic(a), [symbol] * 4, corners)
        crystal.to(filename=str(folder / f"{symbol}.cif"))
    cases = list(product(FACETS, PAIRS))[:interfaces]
    lines = [
        {
            "name": f"{film}{''.join(map(str, facet))}|{substrate}",
            "film": {"material": f"{film}.cif", "miller": facet, "layers": LAYERS},
            "substrate": {
                "material": f"{substrate}.cif", "miller": facet, "layers": LAYERS,
            },
            "max_strain": 0.03,
            "max_area": 40,
            "vacuum": 12,
        }
        for facet, (film, substrate) in cases
    ]  # fmt: skip
    study = {
        "name": "many", "engine": ENGINES[engine], "lattice": "literature",
        "interfaces": lines, "relaxation": {"fmax": FMAX},
    }  # fmt: skip
    path = folder / "many.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def timed(*words: object) -> tuple[float, float]:
    """Run a process; return its processor time with its children's, and wall time."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(list(map(str, words)), check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, wall - begun


def bare_loop(project: Path, engine: str) -> None:
    """Relax what the project has relaxed; write the energies by the job's folder."""
    from ase.io import read
    from ase.optimize import LBFGS

    if engine == "emt":
        from ase.calculators.emt import EMT

        calculator = EMT()
    else:
        from sevenn.calculator import SevenNetCalculator

        calculator = SevenNetCalculator("7net-0")
    energies = {}
    for path in sorted(project.glob("runs/*/relax.traj")):
        atoms = read(path, index=0)
        atoms.calc = calculator
        LBFGS(atoms, logfile=None).run(fmax=FMAX, steps=1000)
        energies[path.parent.name] = atoms.get_potential_energy()
    (project.parent / "loop.json").write_text(json.dumps(energies))


def largest_difference(project: Path) -> tuple[int, float]:
    """Return how many relaxations there were, and how far both energies differ, eV."""
    from ase.io import read

    found = json.loads((project.parent / "loop.json").read_text())
    ours = {
        name: read(project / "runs" / name / "relax.traj", index=-1)
        for name in found
    }  # fmt: skip
    apart = [abs(found[n] - ours[n].get_potential_energy()) for n in found]
    return len(found), max(apart)


def row(engine: str, interfaces: int, workers: int, work: Path) -> str:
    """Measure one engine and return its line of the table."""
    folder = work / engine
    folder.mkdir(parents=True)
    study, project = write_study(folder, engine, interfaces), folder / "project"
    python = (sys.executable, "-m", "ionface")
    ours = timed(*python, "run", study, "--project", project, "--workers", workers)
    loop = timed(sys.executable, __file__, "--loop", project, "--engine", engine)
    count, apart = largest_difference(project)
    if apart > 1e-3:
        raise SystemExit(f"{engine}: energies differ by {apart:.4f} eV")
    cells = [
        engine, interfaces, count, f"{ours[0]:.0f}", f"{loop[0]:.0f}",
        f"{ours[0] / loop[0]:.2f}", f"{ours[1]:.0f}", f"{loop[1]:.0f}",
        f"{ours[1] / loop[1]:.2f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--interfaces", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--write", action="store_true", help=f"to {TABLE.name}")
    parser.add_argument("--loop", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.loop:
        bare_loop(given.loop, given.engine[0])
        return
    work = given.work or Path(tempfile.mkdtemp())
    lines = [
        "| engine | interfaces | relaxations | ionface, CPU s | loop, CPU s | ratio "
        "| ionface, s | loop, s | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
        *(row(e, given.interfaces, given.workers, work) for e in given.engine),
    ]
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    note = (
        f"`python benchmarks/side_by_side.py`, {given.workers} workers, "
        f"{len(os.sched_getaffinity(0))} processors, OMP_NUM_THREADS {threads}. "
        "ionface builds the models and writes pictures, figures and the report, too."
    )
    text = "# A study beside a bare loop over ASE\n\n" + "\n".join(lines)
    text += f"\n\n{note}\n"
    print(text)
    if given.write:
        TABLE.write_text(text)


if __name__ == "__main__":
    main()
