"""Time our readers against other people's: `python benchmarks/reading.py [--quick]`.

Every row runs in a process of its own: processor time (user + system), median of five
runs that each read the whole file anew; peak memory is what the process needs beyond
its imports. Files are generated in a temporary folder and removed.
Writes results/reading.md and results/reading.png beside this file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from reading_inputs import write_vasprun, write_xdatcar
from reading_rows import CHECKED, ROWS

HERE = Path(__file__).resolve().parent
MEASURING = HERE / "reading_rows.py"
MIB = 1 << 20
PEERS = ("ase", "pymatgen")
SOURCES = str(HERE.parent / "src")

Array = np.ndarray


def run(row: str, path: Path, small: Path, repeats: int) -> dict[str, Any]:
    """Return what a row took in a fresh process, or why it did not run."""
    request = {"row": row, "path": str(path), "small": str(small), "repeats": repeats}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": SOURCES}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(MEASURING), json.dumps(request)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"error": (done.stderr.strip() or "no output").splitlines()[-1][:90]}
    return json.loads(done.stdout.splitlines()[-1])


def table(
    folder: Path, name: str, write: Callable[..., None], frames: int, few: int,
    repeats: int,
) -> list[str]:  # fmt: skip
    """Return the rows of one format, ours last read first."""
    paths = {}
    for count in (frames, few, CHECKED):
        paths[count] = folder / f"{name}-{count}" / name
        paths[count].parent.mkdir(exist_ok=True)
        write(paths[count], count)
    found = {}
    for row in ROWS:
        count, times = (few, 1) if row in PEERS else (frames, repeats)
        found[row] = run(row, paths[count], paths[CHECKED], times)
    size = paths[frames].stat().st_size
    lines = [
        f"### {name}, {frames:,} frames x 300 atoms, {size / 1e6:.0f} MB", "",
        "| | CPU s | over a raw read | ours is faster by | peak MiB above import | "
        "largest difference Å |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row, data in found.items():
        if "error" in data:
            lines.append(f"| {row} | did not run: {data['error']} | | | | |")
            continue
        scale = frames / few if row in PEERS else 1
        lines.append(_row(row, data, found, scale))
    if few < frames:
        lines += ["", f"Peers read {few:,} frames, one run; times are scaled up, "
                      "memory is that of these frames."]  # fmt: skip
    shutil.rmtree(paths[few].parent)
    return [*lines, ""]


def _row(row: str, data: dict[str, Any], found: dict[str, Any], scale: float) -> str:
    cpu, own, base = (
        data["cpu"] * scale,
        found["ionface"]["cpu"],
        found["raw read"]["cpu"],
    )
    difference = "" if row in ("raw read", "ionface") else _difference(data, found)
    faster = "" if row in ("raw read", "ionface") else f"{cpu / own:.0f}"
    return (
        f"| {row} | {cpu:.3f} | {cpu / base:.1f} | {faster} | "
        f"{data['peak'] / MIB:.0f} | {difference} |"
    )


def _difference(data: dict[str, Any], found: dict[str, Any]) -> str:
    ours = np.array(found["ionface"]["frames"])
    return f"{np.abs(np.array(data['frames']) - ours).max():.1e}"


def command(path: Path, folder: Path, repeats: int, **more: str) -> dict[str, float]:
    """Return what `ionface analyze rdf` takes as a whole process."""
    out = folder / "rdf.json"
    words = ["analyze", "rdf", str(path), "--pair", "In-S", "--cutoff", "10", "--out"]
    code = "import sys; from ionface.workflows.cli import main; sys.exit(main())"
    seconds, cpu, peak = [], [], []
    for _ in range(repeats):
        environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": SOURCES} | more
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words, str(out)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"analyze rdf failed on {path}")
        seconds.append(time.perf_counter() - started)
        cpu.append(usage.ru_utime + usage.ru_stime)
        peak.append(usage.ru_maxrss * 1024)
    return {
        "cpu": statistics.median(cpu),
        "wall": statistics.median(seconds),
        "peak": max(peak),
    }


def commands(folder: Path, frames: int, repeats: int) -> list[str]:
    """Return the rows of the command line, from a cold process to its end."""
    vasprun = folder / f"vasprun.xml-{frames}" / "vasprun.xml"
    stored = folder / "stored.ionf"
    store(vasprun, stored)
    command(vasprun, folder, 1)  # numba compiles once
    nothing = {"NUMBA_CACHE_DIR": str(folder / "numba")}
    rows = {
        "vasprun.xml": command(vasprun, folder, repeats),
        "the stored trajectory": command(stored, folder, repeats),
        "vasprun.xml, the very first use: numba compiles": command(
            vasprun, folder, 1, **nothing
        ),
    }
    return [
        "### `ionface analyze rdf --pair In-S --cutoff 10`, whole processes",
        "",
        "| on | CPU s | wall s | peak MiB |",
        "|---|---|---|---|",
        *(_command_row(name, row) for name, row in rows.items()),
        "",
    ]


def _command_row(name: str, row: dict[str, float]) -> str:
    peak = row["peak"] / MIB
    return f"| {name} | {row['cpu']:.2f} | {row['wall']:.2f} | {peak:.0f} |"


def store(source: Path, target: Path) -> None:
    """Write a source to our own format."""
    from ionface.analysis.readers import open_trajectory

    open_trajectory(source).write(target)


def growth(
    folder: Path, frames: list[int], atoms: list[int], repeats: int
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return rows of our XDATCAR reader by frames (100 atoms) and by atoms."""
    small = folder / "small" / "XDATCAR"
    small.parent.mkdir()
    write_xdatcar(small, CHECKED, 300)
    by_frames, by_atoms = {}, {}
    path = folder / "growing" / "XDATCAR"
    path.parent.mkdir()
    for count in frames:
        write_xdatcar(path, count, 100)
        by_frames[count] = run("ionface", path, small, min(3, repeats))
    for count in atoms:
        together = max(CHECKED, 3_000_000 // count)
        write_xdatcar(path, together, count)
        found = run("ionface", path, small, min(3, repeats))
        by_atoms[count] = found | {"cpu": found["cpu"] / together}
    return by_frames, by_atoms


def draw(by_frames: dict[int, Any], by_atoms: dict[int, Any], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    time_axis, memory_axis, atoms_axis = figure.subplots(1, 3)
    counts = list(by_frames)
    time_axis.loglog(
        counts, [by_frames[n]["cpu"] for n in counts], "o-", color="#0072b2"
    )
    time_axis.set_ylabel("CPU time (s)")
    time_axis.set_title("Time is linear in frames", loc="left")
    peaks = [by_frames[n]["peak"] / MIB for n in counts]
    memory_axis.semilogx(counts, peaks, "o-", color="#d55e00")
    memory_axis.set_ylim(0, None)
    memory_axis.set_ylabel("peak above import (MiB)")
    memory_axis.set_title("Memory is flat", loc="left")
    for axis in (time_axis, memory_axis):
        axis.set_xlabel("frames (100 atoms)")
    sizes = list(by_atoms)
    each = [1e3 * by_atoms[n]["cpu"] for n in sizes]
    atoms_axis.loglog(sizes, each, "o-", color="#009e73")
    atoms_axis.set_xlabel("atoms")
    atoms_axis.set_ylabel("CPU time (ms per frame)")
    atoms_axis.set_title("Time is linear in atoms", loc="left")
    for axis in (time_axis, memory_axis, atoms_axis):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#e0e0e0", linewidth=0.6)
    figure.savefig(path, dpi=130)


def report(quick: bool) -> str:
    frames, few, repeats = (1_000, 200, 3) if quick else (10_000, 1_000, 5)
    steps = [1_000, 3_000] if quick else [1_000, 3_000, 10_000, 30_000, 100_000]
    sizes = [100, 1_000] if quick else [100, 300, 1_000, 3_000, 10_000]
    with tempfile.TemporaryDirectory(prefix="ionface-reading-") as name:
        folder = Path(name)
        lines = table(folder, "XDATCAR", write_xdatcar, frames, few, repeats)
        lines += table(folder, "vasprun.xml", write_vasprun, frames, few, repeats)
        lines += commands(folder, frames, repeats)
        by_frames, by_atoms = growth(folder, steps, sizes, repeats)
    draw(by_frames, by_atoms, HERE / "results" / "reading.png")
    lines += ["### Growth of our XDATCAR reader", "", "![growth](reading.png)", "",
              "| frames x 100 atoms | CPU s | peak MiB above import |", "|---|---|---|",
              *(f"| {n:,} | {row['cpu']:.3f} | {row['peak'] / MIB:.0f} |"
                for n, row in by_frames.items()), "",
              "| atoms | CPU ms per frame | peak MiB above import |", "|---|---|---|",
              *(f"| {n:,} | {1e3 * row['cpu']:.3f} | {row['peak'] / MIB:.0f} |"
                for n, row in by_atoms.items())]  # fmt: skip
    return "\n".join([*_head(), *lines, ""])


def _head() -> list[str]:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("numpy", "numba", "ase", "pymatgen")
    )
    return [
        "# Reading: time and memory", "",
        f"{_processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"{versions}.", "",
        "Generated files in VASP's layouts. CPU seconds (user + system) of one thread, "
        "median of 5 runs; ours include writing the positions to a temporary file. A "
        "raw read is `Path.read_bytes`, the file being in the system's cache.", "",
    ]  # fmt: skip


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = (
        re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    )
    return found[1] if found else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small files, few runs")
    chosen = parser.parse_args()
    sys.path.insert(0, SOURCES)
    text = report(chosen.quick)
    print(text)
    if not chosen.quick:
        (HERE / "results" / "reading.md").write_text(text)


if __name__ == "__main__":
    main()
