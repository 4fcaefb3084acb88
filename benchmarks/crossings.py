"""How many files and functions of ours a command goes through.

Run `python benchmarks/crossings.py`: it traces `ionface analyze rdf` of an XDATCAR and
`ionface run` of a small study on ASE's EMT potential, and writes a table to
benchmarks/results/crossings.md. Counted are calls of functions of this repository; the
body of a module or class, which runs once at import, is no call.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
ROOMS = tuple(str(ROOT / room) for room in ("structures", "analysis", "workflows"))
TABLE = ROOT / "benchmarks" / "results" / "crossings.md"

STUDY = """\
name: al-al
engine: ase.calculators.emt.EMT
interfaces:
  - name: Al|Al
    film: {material: Al, miller: [1, 0, 0], layers: 2, name: upper}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2}
    max_area: 20
    vacuum: 12
relaxation: {fmax: 0.1, steps: 60}
dynamics:
  - {interface: Al|Al, steps: 8, pairs: [Al-Al], cutoff: 4, prerelax: 2, windows: 2}
"""


@dataclass
class Crossings:
    """What was called.

    Attributes:
        functions: (file, function) and how often.
        edges: (file of the caller, file of the callee) that differ, and how often.
        decoded: how often the graph of a project was read from flow.json.
    """

    functions: Counter[tuple[str, str]] = field(default_factory=Counter)
    edges: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def files(self) -> list[str]:
        """Return the files in which a function ran."""
        return sorted({file for file, _ in self.functions})

    @property
    def decoded(self) -> int:
        """Return how often a project's flow.json was decoded."""
        wanted = ("workflows/projects/project.py", "Project.flow")
        return self.functions[wanted]

    def see(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Count a call, as `sys.setprofile` reports it."""
        if event != "call":
            return
        code = frame.f_code
        here = _file(code.co_filename)
        if not here or code.co_name.startswith("<") or _is_body(frame):
            return
        self.functions[here, code.co_qualname] += 1
        back = frame.f_back
        while back is not None and not (there := _file(back.f_code.co_filename)):
            back = back.f_back  # a library between two of our functions is no stop
        if back is not None and there != here:
            self.edges[there, here] += 1


def _file(path: str) -> str:
    """Return a path below the repository, empty for what is not ours."""
    real = str(Path(path).resolve()) if "ionface" in path else path
    if not real.startswith(ROOMS) and "/src/ionface/" not in path:
        return ""
    return str(Path(real).relative_to(ROOT))


def _is_body(frame: FrameType) -> bool:
    """Return whether a class is being made: its body has its module's name in it."""
    return "__module__" in frame.f_locals and "__qualname__" in frame.f_locals


@contextmanager
def traced() -> Iterator[Crossings]:
    """Count the calls of the enclosed work."""
    found = Crossings()
    sys.setprofile(found.see)
    try:
        yield found
    finally:
        sys.setprofile(None)


def write_xdatcar(folder: Path) -> Path:
    """Write a short run of 24 atoms and return its path."""
    rng = np.random.default_rng(0)
    lines = ["gas", "1", "9 0 0", "0 9 0", "0 0 9", "In S", "8 16"]
    for number in range(1, 41):
        lines.append(f"Direct configuration={number:6d}")
        lines += ["".join(f"{x:12.8f}" for x in row) for row in rng.random((24, 3))]
    path = folder / "XDATCAR"
    path.write_text("\n".join(lines) + "\n")
    return path


def ionface(*words: str) -> Crossings:
    """Return the crossings of one command, run in this process for the second time.

    The first time imports, and many modules call functions of ours while they are
    imported; that is no part of the walk.
    """
    with tempfile.TemporaryDirectory() as elsewhere:
        _run(*words, out=elsewhere)
    with tempfile.TemporaryDirectory() as elsewhere, traced() as found:
        _run(*words, out=elsewhere)
    return found


def _run(*words: str, out: str) -> None:
    from ionface.workflows.cli import main

    sys.argv = ["ionface", *(word.replace("OUT", out) for word in words)]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise


def measure(folder: Path) -> dict[str, Crossings]:
    """Return the crossings of each command by what it is called in the table."""
    xdatcar = write_xdatcar(folder)
    study = folder / "al-al.yaml"
    study.write_text(STUDY)
    return {
        "`ionface analyze rdf XDATCAR --pair In-S`": ionface(
            "analyze",
            "rdf",
            str(xdatcar),
            "--pair",
            "In-S",
            "--timestep",
            "2",
            "--out",
            "OUT/rdf.json",
            "--json",
        ),
        "`ionface run STUDY` (EMT)": ionface(
            "run", str(study), "--project", "OUT/project"
        ),
    }


def report(found: dict[str, Crossings]) -> str:
    """Return the table and the files of each command."""
    lines = [
        "# What a command goes through",
        "",
        "Written by `python benchmarks/crossings.py`.",
        "",
        "| command | files | functions | file to file | flow.json decoded |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {len(c.files)} | {len(c.functions)} | {len(c.edges)} | "
        f"{c.decoded} |"
        for name, c in found.items()
    ]
    for name, crossings in found.items():
        lines += ["", f"{name}:", "", ", ".join(f"`{f}`" for f in crossings.files)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        table = report(measure(Path(scratch)))
    TABLE.write_text(table)
    print(table)
