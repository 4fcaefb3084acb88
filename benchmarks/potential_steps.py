"""Energy, forces and stress of the potentials in the wheels: seconds and memory.

    python benchmarks/potential_steps.py [--threads N]

SevenNet through ionface's compiled convolutions, the same weights as their package
computes them, and CHGNet; on Li6PS5Cl and on lithium, each in a process of its own, the
shortest of five. Forces of both ways to compute SevenNet are compared in the same run.
"""

# ruff: noqa: E402 - the path must be set before the package can be found

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

# benchmarks/structures.py has the name of the package, which this folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ase import Atoms
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.structures.crystals.library import crystal
from ionface.workflows.engines.ase import fused_convolution
from ionface.workflows.engines.ase.named_potentials import pretrained

RESULT = Path(__file__).parent / "results" / "potential_steps.md"
OURS, THEIRS = "ionface", "package"
ENGINES = ("sevennet", "sevennet-l3i5", "sevennet-mf", "chgnet")
REPEATS = {"Li6PS5Cl": (1, 1, 5), "Li": (4, 4, 8)}
COUNTED = 5


def structure(name: str) -> Atoms:
    """Return a rattled crystal of some 260 atoms."""
    unit = crystal(name).to_conventional()
    atoms: Atoms = AseAtomsAdaptor.get_atoms(unit).repeat(REPEATS[name])
    atoms.rattle(0.05, seed=1)
    return atoms


def measure(name: str, way: str, material: str) -> dict[str, Any]:
    """Return seconds, memory and forces, in this process."""
    warnings.simplefilter("ignore")
    atoms = structure(material)
    spec = find_spec("numba") if way == OURS else None
    with patch.object(fused_convolution, "find_spec", return_value=spec):
        calculator = pretrained(name).potential.load()
    times = []
    for _ in range(COUNTED + 1):  # the first one compiles
        begun = time.perf_counter()
        calculator.calculate(atoms, ["energy", "forces", "stress"])
        times.append(time.perf_counter() - begun)
    return {
        "seconds": min(times[1:]),
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "atoms": len(atoms),
        "forces": np.asarray(calculator.results["forces"]).tolist(),
    }


def measured(name: str, way: str, material: str, threads: int) -> dict[str, Any]:
    """Return what `measure` does, of a process of its own."""
    words = [sys.executable, __file__, "--one", name, way, material]
    counts = {key: str(threads) for key in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        words, capture_output=True, check=True, text=True, env={**os.environ, **counts}
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(material: str, threads: int) -> list[str]:
    """Return the rows of one material."""
    lines, n_atoms = [], 0
    for name in ENGINES:
        theirs = measured(name, THEIRS, material, threads)
        n_atoms = theirs["atoms"]
        row = [name, f"{theirs['seconds']:.2f}", f"{theirs['gib']:.1f}", *["–"] * 4]
        if name.startswith("sevennet"):
            ours = measured(name, OURS, material, threads)
            off = np.abs(np.subtract(ours["forces"], theirs["forces"])).max()
            ratio = theirs["seconds"] / ours["seconds"]
            row[3:5] = [f"{ours['seconds']:.2f}", f"{ours['gib']:.1f}"]
            row[5:] = [f"{ratio:.1f}", f"{off:.0e}"]
        lines.append("| " + " | ".join(row) + " |")
    head = [
        f"{material}, {n_atoms} atoms:",
        "",
        "| engine | its package, s | GiB | ionface, s | GiB | times faster "
        "| forces differ by, eV/Å |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return [*head, *lines, ""]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(*given.one)))
        return
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "sevenn", "chgnet", "numba")
    )
    lines = [
        "# Energy, forces and stress of a pretrained potential",
        "",
        f"{given.threads} thread(s) of an AMD EPYC; {versions}. The shortest of "
        f"{COUNTED} times; memory is the process's largest.",
        "",
    ]
    for material in REPEATS:
        lines += table(material, given.threads)
    text = "\n".join(lines)
    print(text)
    RESULT.write_text(text)


if __name__ == "__main__":
    main()
