"""Time our partial RDFs against other people's: `python benchmarks/rdf.py [--quick]`.

Every row runs in a process of its own; the median of five runs after a warm-up counts,
processor time (user + system) for ratios, wall time for threads. A row's counts are
compared with those of our numpy reference, bin by bin. Writes results/rdf.md and
results/rdf.png beside this file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rdf_peers import ALL, BINS, CUTOFF, ROWS, SIZES, WINDOWS, ours

HERE = Path(__file__).resolve().parent
CHECKED = 12  # frames whose counts are compared

PEERS = {"freud": "freud-analysis", "vesin": "vesin", "matscipy": "matscipy",
         "ovito": "ovito", "MDAnalysis": "MDAnalysis"}  # fmt: skip


def measure(request: dict[str, Any]) -> None:
    """Run one row here and print what it took, as JSON."""
    function, options = ROWS[request["row"]]
    kind, frames, atoms = request["kind"], request["frames"], request["atoms"]
    go = function(kind, frames, atoms, **options, pairs=request["pairs"])
    reference = ours(kind, frames, atoms, backend="numpy", threads=1, pairs="one")
    checked = min(CHECKED, frames)
    same = np.abs(np.asarray(go(checked)) - reference(checked)).sum()
    missed = float(same / reference(checked).sum())
    warm = go(frames) if "ionface" in request["row"] else None  # compiled, in memory
    del warm
    cpu, wall = [], []
    for _ in range(request["repeats"]):
        started, walled = time.process_time(), time.perf_counter()
        go(frames)
        cpu.append(time.process_time() - started)
        wall.append(time.perf_counter() - walled)
    print(json.dumps({
        "cpu": statistics.median(cpu) / frames,
        "wall": statistics.median(wall) / frames,
        "wrong": missed,
    }))  # fmt: skip


def run(
    row: str, pairs: str, kind: str, frames: int, atoms: int, repeats: int
) -> dict[str, Any]:
    """Return seconds per frame of a row in a fresh process, or why there are none."""
    request = {"row": row, "pairs": pairs, "kind": kind, "frames": frames,
               "atoms": atoms, "repeats": repeats}  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--measure", json.dumps(request)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"error": (done.stderr.strip() or "no output").splitlines()[-1][:90]}
    return json.loads(done.stdout.splitlines()[-1])


def compilation() -> list[float]:
    """Return the seconds of the very first use, with nothing compiled yet, and now."""
    request = {"row": "ionface numba, 1 thread", "pairs": "one", "kind": "gas",
               "frames": 4, "atoms": 300, "repeats": 1}  # fmt: skip
    command = [sys.executable, __file__, "--measure", json.dumps(request)]
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder, "OMP_NUM_THREADS": "1"}
        for _ in range(2):
            started = time.perf_counter()
            subprocess.run(command, capture_output=True, env=environment, check=True)
            seconds.append(time.perf_counter() - started)
    return seconds


def table(
    kind: str,
    pairs: str,
    names: Iterable[str],
    frames: int,
    peer_frames: int,
    repeats: int,
) -> list[str]:
    """Return the lines of a table: each row against ours on one thread."""
    found = {}
    for name in names:
        few = frames if "numba" in name else peer_frames
        found[name] = run(name, pairs, kind, few, 300, repeats)
    own = found["ionface numba, 1 thread"]
    lines = ["| | CPU s per 10,000 frames | wall s | frames/s | ours is faster by | "
             "counts that differ |", "|---|---|---|---|---|---|"]  # fmt: skip
    for name, row in found.items():
        if "error" in row:
            lines.append(f"| {name} | did not run: {row['error']} | | | | |")
            continue
        lines.append(
            f"| {name} | {1e4 * row['cpu']:.2f} | {1e4 * row['wall']:.2f} | "
            f"{1 / row['wall']:,.0f} | {row['cpu'] / own['cpu']:.1f} "
            f"(wall {row['wall'] / own['wall']:.2f}) | {100 * row['wrong']:.3g} % |"
        )
    return lines


def growth(
    quick: bool, repeats: int
) -> tuple[dict[int, float], dict[str, dict[int, float | None]]]:
    """Return seconds against frames (all pairs), and per frame against atoms (In-S)."""
    frames = [100, 1000] if quick else [1_000, 3_000, 10_000, 30_000, 100_000]
    atoms = [100, 300] if quick else [100, 300, 1_000, 3_000, 10_000]
    row = "ionface numba, 1 thread"
    by_frames, by_atoms = {}, {name: {} for name in (row, "vesin, In and S only")}
    for n in frames:
        few = 1 if n > 10_000 else repeats
        by_frames[n] = n * run(row, "all", "vibrating", n, 300, few)["cpu"]
    for name, series in by_atoms.items():
        for n in atoms:
            count = max(128, min(2000, 200_000 // n))
            found = run(name, "one", "vibrating", count, n, min(3, repeats))
            series[n] = found.get("cpu")
    return by_frames, by_atoms


def draw(
    by_frames: dict[int, float],
    by_atoms: dict[str, dict[int, float | None]],
    path: Path,
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.loglog(*zip(*by_frames.items(), strict=True), "o-", color="#0072b2")
    left.set_xlabel("frames (300 atoms)")
    left.set_ylabel("CPU time (s)")
    left.set_title("All 15 pairs, g(r) and n(r)", loc="left")
    for (name, series), color in zip(
        by_atoms.items(), ("#0072b2", "#d55e00"), strict=True
    ):
        known = {n: t * 1000 for n, t in series.items() if t}
        right.loglog(*zip(*known.items(), strict=True), "o-", label=name, color=color)
    right.set_xlabel("atoms (constant density)")
    right.set_ylabel("CPU time per frame (ms)")
    right.set_title("In-S within 10 Å", loc="left")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.grid(color="#e3e8ec")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def machine() -> str:
    versions = [
        f"ionface on Python {platform.python_version()}, numpy {np.__version__}"
    ]
    for name in ("numba", *PEERS.values()):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    cpu = platform.processor() or platform.machine()
    text = Path("/proc/cpuinfo")
    if text.is_file():
        models = [
            x for x in text.read_text().splitlines() if x.startswith("model name")
        ]
        cpu = models[0].split(":")[1].strip() if models else cpu
    return f"{cpu}, {os.cpu_count()} cores; {', '.join(versions)}."


def milliseconds(seconds: float | None) -> str:
    return f"{1e3 * seconds:.3g}" if seconds else "–"


def report(options: argparse.Namespace) -> None:
    frames, peers = (200, 40) if options.quick else (10_000, 400)
    repeats = 3 if options.quick else 5
    lines = [
        "# Partial RDFs: time and exactness", "", machine(), "",
        f"300 atoms ({', '.join(f'{n} {s}' for s, n in SIZES.items())}), cell 10 x "
        f"20 x 35 Å, {BINS} bins up to {CUTOFF:g} Å. Median of {repeats} runs in a "
        f"process of their own; our numba rows count {frames:,} frames, all others "
        f"{peers:,} and are scaled up. Counts are compared with ours in numpy bin by "
        "bin. `gas`: every frame is drawn anew, the worst case for us; `vibrating`: "
        "atoms vibrate and drift as in dynamics.", "",
    ]  # fmt: skip
    for kind in ("gas", "vibrating"):
        lines += [f"## One pair, In-S, {kind}", ""]
        lines += [*table(kind, "one", ROWS, frames, peers, repeats), ""]
        lines += [f"## All 15 pairs, {kind}", ""]
        lines += [f"Ours in {WINDOWS} windows, with n(r), errors and peaks.", ""]
        lines += [*table(kind, "all", ALL, frames, peers, repeats), ""]
    first, second = compilation()
    by_frames, by_atoms = growth(options.quick, repeats)
    lines += [
        "## Growth", "", "![growth](rdf.png)", "",
        "| frames | CPU s, all pairs |", "|---|---|",
        *(f"| {n:,} | {t:.2f} |" for n, t in by_frames.items()), "",
        "| atoms | " + " | ".join(f"{name}, ms per frame" for name in by_atoms) + " |",
        "|---|" + "---|" * len(by_atoms),
        *(
            f"| {n:,} | "
            + " | ".join(milliseconds(s[n]) for s in by_atoms.values())
            + " |"
            for n in next(iter(by_atoms.values()))
        ), "",
        f"The very first use, with nothing compiled: {first:.1f} s in all; then "
        f"{second:.1f} s (interpreter, imports and reference included).", "",
    ]  # fmt: skip
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    draw(by_frames, by_atoms, folder / "rdf.png")
    (folder / "rdf.md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, seconds")
    parser.add_argument("--out", default=HERE / "results", help="folder of the results")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(json.loads(options.measure))
    else:
        report(options)


if __name__ == "__main__":
    main()
