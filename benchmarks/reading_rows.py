"""The rows of reading.py: ours and other people's readers, each in its own process.

`python reading_rows.py REQUEST` runs one and prints what it took; both are JSON.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CHECKED = 3  # frames whose positions are compared
Array = np.ndarray
Read = Callable[[Path], Callable[[int], Array]]  # file -> frame number -> positions


def ionface(path: Path) -> Callable[[int], Array]:
    from ionface.analysis.readers import open_trajectory

    positions = open_trajectory(path).positions
    return lambda k: positions[k]


def raw(path: Path) -> Callable[[int], Array]:
    path.read_bytes()
    return lambda _: np.zeros((0, 3))


def ase(path: Path) -> Callable[[int], Array]:
    from ase.io import read

    images = read(path, index=":")
    return lambda k: images[k].positions


def pymatgen(path: Path) -> Callable[[int], Array]:
    if path.name == "XDATCAR":
        from pymatgen.io.vasp.outputs import Xdatcar

        structures = Xdatcar(path).structures
    else:
        from pymatgen.io.vasp.outputs import Vasprun

        structures = Vasprun(
            path, parse_dos=False, parse_eigen=False, parse_potcar_file=False
        ).structures
    return lambda k: structures[k].cart_coords


ROWS: dict[str, Read] = {
    "raw read": raw, "ionface": ionface, "ase": ase, "pymatgen": pymatgen,
}  # fmt: skip


def memory(name: str) -> int:
    """Return a line of /proc/self/status in bytes; getrusage counts our parent too."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


def measure(request: dict[str, Any]) -> None:
    """Run one row here and print what it took, as JSON."""
    warnings.simplefilter("ignore")
    path, read = Path(request["path"]), ROWS[request["row"]]
    small = Path(request["small"])
    read(small)  # imports what it needs
    before = memory("VmRSS")
    cpu, last = [], None
    for _ in range(request["repeats"]):
        last = None
        started = time.process_time()
        last = read(path)
        cpu.append(time.process_time() - started)
    peak = memory("VmHWM") - before
    assert last is not None
    frames = [last(k).tolist() for k in range(CHECKED)]
    print(json.dumps({"cpu": statistics.median(cpu), "peak": peak, "frames": frames}))


if __name__ == "__main__":
    measure(json.loads(sys.argv[1]))
