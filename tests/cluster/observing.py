"""What is watched while something breaks: running stand-ins, and what was counted."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

STEPS = 12
DOUBLE = b"ionface.workflows.engines.vasp_double"


def study(name, crystals=("Al",), steps=STEPS):
    """Return a study of five jobs per crystal, one of them VASP's dynamics."""
    lines = [f"name: {name}", "engine: vasp-double", "interfaces: []", "references:"]
    lines += [
        f"  - {{crystal: {c}, pairs: [Al-Al], steps: {steps}, min_atoms: 4}}"
        for c in crystals
    ]
    return "\n".join([*lines, "vasp: {k_spacing: 1.0, walltime: 0.25}"]) + "\n"


def crystals(folder, number):
    """Write cells of aluminum that differ by a hair, so that no two jobs are one."""
    from pymatgen.core import Lattice, Structure

    found = []
    for index in range(number):
        cell = Lattice.cubic(4.05 + 0.001 * index)
        path = folder / f"Al{index}.cif"
        structure = Structure.from_spacegroup("Fm-3m", cell, ["Al"], [[0, 0, 0]])
        structure.to(str(path), fmt="cif")
        found.append(path.name)
    return found


@dataclass
class Count:
    """What a case ended with."""

    name: str
    jobs: int = 0
    done: int = 0
    lost: int = 0
    doubled: int = 0
    together: int = 0
    repeated: int = 0
    noticed_s: float | None = None
    note: str = ""
    faults: int = 1
    wall_s: float = 0.0

    @property
    def good(self):
        return self.done == self.jobs and not (
            self.lost or self.doubled or self.together
        )


class Watcher(threading.Thread):
    """Sees whether two programs work on one job, and whether a result changes."""

    def __init__(self, below):
        super().__init__(daemon=True)
        self.below, self.together, self.over = below, set(), threading.Event()
        self.results, self.rewritten = {}, set()

    def run(self):
        while not self.over.wait(0.2):
            seen = {}
            for pid, folder in doubles(self.below):
                seen.setdefault(folder.parent, []).append(pid)
            for folder, pids in seen.items():
                if len(pids) > 1:
                    self.together.add((folder.name, *sorted(pids)))
            for path in self.below.glob("project/runs/*/result.jsonl"):
                written = path.stat().st_mtime_ns
                if self.results.setdefault(path, written) != written:
                    self.rewritten.add((path, written))


def doubles(below=None):
    """Return running stand-ins: process and folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            folder = (path / "cwd").resolve(strict=True)
        except OSError:
            continue
        if DOUBLE in words and (below is None or folder.is_relative_to(below)):
            found.append((int(path.name), folder))
    return found


def ancestors(pid):
    while pid > 1:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        pid = int(stat.rpartition(")")[2].split()[1])
        yield pid


def until(condition, limit=90.0, every=0.1):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(every)
    raise TimeoutError(getattr(condition, "__name__", "condition"))
