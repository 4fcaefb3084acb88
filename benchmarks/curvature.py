"""Ionic steps of a relaxation by a potential's curvature, and by L-BFGS alone.

SevenNet-0 stands for first principles, CHGNet is the potential: two surfaces that
differ as a potential differs from PBE. Both relaxations begin where CHGNet has ended,
through the Makers that GPAW and CP2K have.

    python benchmarks/curvature.py --work WORK

The interfaces are those of the two papers' studies, thinned as by --quick. What is done
in the folder WORK is not done again.
"""

# ruff: noqa: E402 - the path must be set before the package can be found

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read

# benchmarks/structures.py has the name of the package, which this folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ionface.documents import decode
from ionface.structures.interface import build_interface
from ionface.workflows.engines.ase.relax import HISTORY, PotentialRelaxMaker
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.dft.engine import PrerelaxedMaker
from ionface.workflows.engines.pre_relaxation import FILE
from ionface.workflows.engines.registry import engine
from ionface.workflows.flows.jobs import BuiltInterface
from ionface.workflows.study import study_files
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.study import quickened

RESULT = Path(__file__).parent / "results" / "curvature.md"
STUDIES = ("lagp-pdol-li", "lpscl-in")
FORCES = (0.1, 0.05)  # eV/Å


@dataclass(frozen=True)
class Descent:
    """One relaxation, step by step.

    Attributes:
        energies: eV.
        forces: the largest of each step, eV/Å.
    """

    energies: tuple[float, ...]
    forces: tuple[float, ...]

    @classmethod
    def of(cls, folder: Path) -> Descent:
        """Read what a relaxation has left."""
        steps = read(folder / HISTORY, ":")
        largest = [np.linalg.norm(s.get_forces(), axis=1).max() for s in steps]
        energies = [float(s.get_potential_energy()) for s in steps]
        return cls(tuple(energies), tuple(map(float, largest)))

    def steps_to(self, force: float) -> int | None:
        """Return the first step below a force; None if there is none."""
        return next((n for n, f in enumerate(self.forces) if f < force), None)

    def steps_down_to(self, energy: float) -> int | None:
        """Return the first step as low as an energy, within 1 meV."""
        low = (n for n, e in enumerate(self.energies) if e <= energy + 1e-3)
        return next(low, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300, help="at most")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    rows = []
    for name, atoms, usual, curved in measured(given.work.resolve(), given.steps):
        rows.append(row(name, atoms, usual, curved))
        RESULT.write_text(table(rows, given.steps))
        print(rows[-1], flush=True)


def measured(work: Path, most: int) -> Iterator[tuple[str, int, Descent, Descent]]:
    """Yield name, atoms and both relaxations of each interface."""
    program: Any = engine("sevennet")
    settings = RelaxSettings(min(FORCES), most, must_converge=False)
    by_curvature = PrerelaxedMaker(
        program.potential, settings, prerelax=engine("chgnet")
    )
    usual = PotentialRelaxMaker(program.potential, settings)
    for study in STUDIES:
        for spec in quickened(study_files.load(study)).interfaces:
            built = BuiltInterface.of(build_interface(spec)).interface
            place = work / slug(spec.name)
            curved = relaxed(by_curvature, lambda built=built: built, place / "curved")
            begun = place / "curved" / FILE
            plain = relaxed(usual, lambda begun=begun: start(begun), place / "usual")
            yield spec.name, len(built), plain, curved


def start(path: Path) -> Any:
    """Return the structure where the potential ended."""
    return decode(path.read_text(), str(path)).structure


def relaxed(maker: Any, structure: Callable[[], Any], folder: Path) -> Descent:
    """Relax in a folder of its own, once."""
    done = folder / "done"
    if not done.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with chdir(folder):
            type(maker).make.original(maker, structure())
        done.touch()
    return Descent.of(folder)


def row(name: str, atoms: int, usual: Descent, curved: Descent) -> str:
    """Return one interface's line of the table."""
    cells = [name.replace("|", "\\|"), str(atoms), f"{usual.forces[0]:.2f}"]
    for force in FORCES:
        before, now = usual.steps_to(force), curved.steps_to(force)
        cells += [shown(before, usual), shown(now, curved), times(before, now)]
    lowest, level = min(usual.energies), curved.steps_down_to(min(usual.energies))
    cells += [f"{min(curved.energies) - lowest:+.3f}", shown(level, curved)]
    return f"| {' | '.join(cells)} |"


def shown(steps: int | None, path: Descent) -> str:
    """Return a number of steps; one that was not reached is beyond those made."""
    return f"> {len(path.forces) - 1}" if steps is None else str(steps)


def times(before: int | None, now: int | None) -> str:
    """Return how many times fewer steps."""
    return f"{before / max(now, 1):.1f}x" if before and now is not None else "–"


def table(rows: list[str], most: int) -> str:
    """Return the results as Markdown."""
    from importlib.metadata import version

    heads = ["interface", "atoms", "first force, eV/Å"]
    for force in FORCES:
        heads += [f"L-BFGS to {force:g} eV/Å", "by curvature", "fewer"]
    heads += ["ΔE of the lowest, eV", "as low as L-BFGS after"]
    return "\n".join(
        [
            "# Curvature",
            "",
            f"Ionic steps of SevenNet-0 (sevenn {version('sevenn')}) from where CHGNet "
            f"(chgnet {version('chgnet')}) has relaxed an interface to 0.1 eV/Å, at "
            f"most {most}: by ASE's L-BFGS, and by BFGS that begins with CHGNet's "
            "second derivatives. Interfaces thinned as by --quick. Written by `python "
            "benchmarks/curvature.py`.",
            "",
            f"| {' | '.join(heads)} |",
            "|" + "---|" * len(heads),
            *rows,
            "",
            "> marks a force that was not reached in so many steps. The ends are "
            "different minima where ΔE is not 0.",
            "",
        ]
    )


if __name__ == "__main__":
    main()
