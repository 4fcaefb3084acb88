"""Ionic steps of VASP's relaxation with and without a pre-relaxation by a potential.

The stand-in for VASP runs on SevenNet-0, the pre-relaxation on CHGNet: two surfaces
that differ as a potential differs from PBE. Both relaxations go through the engine, as
`ionface run` takes them: custodian, the protocol's INCAR. The stand-in takes L-BFGS
steps where VASP would take conjugate gradients.

    python benchmarks/prerelax.py --work WORK

The interfaces are those of the two papers' studies, thinned as by --quick; --true-size
takes them whole. What is done in the folder WORK is not done again.
"""

# ruff: noqa: E402 - the path must be set before the package can be found

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

# benchmarks/structures.py has the name of the package, which this folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from ionface.structures.interface import build_interface
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.registry import configured
from ionface.workflows.engines.vasp_double.engine import vasp_double
from ionface.workflows.flows.jobs import BuiltInterface
from ionface.workflows.study import study_files
from ionface.workflows.study.file_names import slug
from ionface.workflows.study.study import Study, quickened

RESULT = Path(__file__).parent / "results" / "prerelax.md"
STUDIES = ("lagp-pdol-li", "lpscl-in")


@dataclass(frozen=True)
class Measured:
    """One interface.

    Attributes:
        interface: its name.
        atoms: in the cell.
        without: ionic steps of VASP alone, and whether they met the criterion.
        before: steps of the potential, and its largest force at the end, eV/Å.
        after: ionic steps of VASP after the potential.
        energies: eV, at the end without and with.
        level: ionic steps of VASP after the potential until it is as low as where VASP
            alone ended; None if it never is.
    """

    interface: str
    atoms: int
    without: tuple[int, bool]
    before: tuple[int, float]
    after: tuple[int, bool]
    energies: tuple[float, float]
    level: int | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--fmax", type=float, default=0.05, help="eV/Å")
    parser.add_argument("--steps", type=int, default=600, help="at most")
    parser.add_argument("--true-size", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["IONFACE_VASP_CALCULATOR"] = "sevennet"
    # the stand-in imports this checkout, wherever it runs
    os.environ["PYTHONPATH"] = sys.path[0]
    rows = []
    for name in STUDIES:
        rows += measure(name, given)
        RESULT.write_text(table(rows, given))
    print(table(rows, given))


def measure(name: str, given: argparse.Namespace) -> list[Measured]:
    """Return both relaxations of each interface of a study."""
    study = study_files.load(name)
    study = study if given.true_size else quickened(study)
    found = []
    for spec in study.interfaces:
        structure = BuiltInterface.of(build_interface(spec)).interface
        alone = relaxed(study, structure, given, "off")
        helped = relaxed(study, structure, given, "chgnet")
        told = helped["prerelaxed"]
        assert told["steps"], f"nothing relaxed {spec.name} before VASP"
        found.append(
            Measured(
                spec.name,
                len(structure),
                (alone["steps"], alone["converged"]),
                (told["steps"], told["max_force"]),
                (helped["steps"], helped["converged"]),
                (alone["energy"], helped["energy"]),
                steps_to(alone["energy"], folder_of(study, structure, given, "chgnet")),
            )
        )
        print(found[-1], flush=True)
    return found


def relaxed(
    study: Study, structure: Any, given: argparse.Namespace, prerelax: str
) -> dict[str, Any]:
    """Relax with the engine in a folder of its own, once."""
    folder = folder_of(study, structure, given, prerelax)
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "done.json"
    if done.is_file():
        return json.loads(done.read_text())
    study = replace(study, vasp=replace(study.vasp, prerelax=prerelax))
    engine = configured(vasp_double(), study)
    goal = RelaxSettings(given.fmax, given.steps, must_converge=False)
    maker = engine.relax(goal)
    before = Path.cwd()
    os.chdir(folder)
    start = time.process_time()
    try:
        record = type(maker).make.original(maker, structure)
    finally:
        os.chdir(before)
    told = {
        "steps": record.steps,
        "converged": record.converged,
        "energy": record.energy,
        "max_force": record.max_force,
        "prerelaxed": {
            key: record.provenance.get("prerelaxed", {}).get(key)
            for key in ("steps", "max_force")
        },
        "cpu_s": time.process_time() - start,
        "settings": asdict(goal),
    }
    done.write_text(json.dumps(told, indent=1))
    return told


def folder_of(
    study: Study, structure: Any, given: argparse.Namespace, prerelax: str
) -> Path:
    """Return where a relaxation is kept."""
    formula = structure.composition.reduced_formula
    name = slug(f"{study.name}-{formula}-{len(structure)}-{prerelax}")
    return Path(given.work) / name


def steps_to(energy: float, folder: Path) -> int | None:
    """Return the ionic step at which VASP came as low as an energy, within 1 meV."""
    found: list[float] = []
    for path in sorted(folder.glob("run-*/OSZICAR")):
        found += map(float, re.findall(r"E0=\s*(\S+)", path.read_text()))
    return next((n for n, e in enumerate(found, 1) if e <= energy + 1e-3), None)


def table(rows: list[Measured], given: argparse.Namespace) -> str:
    """Return the results as Markdown."""
    from importlib.metadata import version

    size = "at their true sizes" if given.true_size else "thinned as by --quick"
    lines = [
        "# Pre-relaxation",
        "",
        f"Ionic steps of the relaxation to {given.fmax:g} eV/Å (at most "
        f"{given.steps}), "
        f"interfaces {size}: `ionface-vasp` on SevenNet-0 (sevenn {version('sevenn')}) "
        "alone, and after a relaxation by CHGNet "
        f"(chgnet {version('chgnet')}) to 0.1 eV/Å. Written by "
        "`python benchmarks/prerelax.py`.",
        "",
        "| interface | atoms | VASP alone | CHGNet first | then VASP | fewer | "
        "ΔE of the ends, eV | as low as VASP alone after | fewer |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = row.without[0] / max(1, row.after[0])
        lines.append(
            f"| {row.interface.replace('|', chr(92) + '|')} | {row.atoms} "
            f"| {shown(row.without)} | {row.before[0]} | {shown(row.after)} "
            f"| {ratio:.1f}x | {row.energies[1] - row.energies[0]:+.2f} "
            f"| {row.level or 'never'} | {fewer(row.without[0], row.level)} |"
        )
    levels = [row.level for row in rows]
    level = None if None in levels else sum(map(int, filter(None, levels)))
    total = [sum(r.without[0] for r in rows), sum(r.after[0] for r in rows)]
    lines += [
        f"| all | | {total[0]} | {sum(r.before[0] for r in rows)} | {total[1]} "
        f"| {total[0] / max(1, total[1]):.1f}x | | {level or ''} "
        f"| {fewer(total[0], level)} |",
        "",
        "The two ends are different minima where ΔE is not 0. So the last columns tell "
        "at which step the relaxation after CHGNet was as low as where VASP alone "
        "ended (within 1 meV).",
        "",
        "> marks a relaxation that ended at its limit of steps.",
        "",
    ]
    return "\n".join(lines)


def fewer(without: int, after: int | None) -> str:
    """Return how many times fewer steps."""
    return f"{without / after:.1f}x" if after else ""


def shown(steps: tuple[int, bool]) -> str:
    """Return a number of steps; one that did not converge is a lower bound."""
    return f"{'' if steps[1] else '> '}{steps[0]}"


if __name__ == "__main__":
    main()
