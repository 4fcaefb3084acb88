"""Time the linear solvers of the deposition front: `python benchmarks/deposition.py`.

One time step from rest on n x n elements, each mesh and solver in a process of its own.
Processor time per Newton step, of which both solvers need the same number, and peak
memory. Then a whole run, 130 steps on 40 x 40 elements: its processor time on one core,
and the memory that it holds early and late. Writes results/deposition.md and
results/deposition.png beside this file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZES = (40, 80, 160, 240, 400)
SOLVERS = ("direct", "iterative")


def measure(n: int, solver: str) -> dict[str, float]:
    """Return what one time step on n x n elements takes."""
    import numpy as np

    from ionface.analysis.deposition import transport
    from ionface.analysis.deposition.cell import Kinetics, preset

    width, thickness = 20e-6, 100e-6
    x = np.linspace(0, width, n + 1)
    grid = transport.Grid(x, transport.heights(n, thickness, width / n), thickness)
    model = transport.Transport(grid, preset("qcpe"), Kinetics(1000.0), 20.0, solver)
    front = transport.Domain(grid, 1e-6 * np.cos(2 * np.pi * x / width))
    solves = 0
    solved = transport.solved

    def counted(*given: Any) -> Any:
        nonlocal solves
        solves += 1
        return solved(*given)

    transport.solved = counted
    started = time.process_time()
    model.step(front, front, *model.at_rest(), 9.0)
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"n": n, "per_solve_s": spent / solves, "solves": solves, "peak_mib": peak}


def measure_run() -> dict[str, float]:
    """Return what a whole run takes, and what it holds after 30 and 130 steps, MiB."""
    from ionface.analysis.deposition.cell import DepositionSpec, Geometry, preset
    from ionface.analysis.deposition.deposition import deposit

    spec = DepositionSpec(
        "cell", preset("qcpe"), geometry=Geometry(20.0, 100.0, 40, 40), steps=130
    )
    held: dict[int, float] = {}

    def heard(done: int, total: int, note: str) -> None:
        del total, note
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        held[done] = pages * resource.getpagesize() / 2**20

    deposit(replace(spec, steps=2, capacity_mah_per_cm2=0.01))  # imports
    started = time.process_time()
    found = deposit(spec, report=heard)
    spent = time.process_time() - started
    return {"s": spent, "steps": found.steps, "early": held[30], "late": held[130]}


def run(*one: object) -> dict[str, float]:
    """Measure in a process of its own."""
    words = [sys.executable, __file__, "--one", *map(str, one)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout)
    return found


def report(found: dict[str, list[dict[str, float]]], whole: dict[str, float]) -> None:
    """Write the table and the figure."""
    from matplotlib.figure import Figure

    from ionface.analysis.figures.style import PALETTE, png, quiet_grid, styled

    lines = ["| elements | solver | s per Newton step | Newton steps | peak MiB |",
             "|---|---|---|---|---|"]  # fmt: skip
    with styled():
        figure = Figure(figsize=(6.5, 4.2), layout="constrained")
        axes = figure.subplots()
        for color, (solver, rows) in zip(PALETTE, found.items(), strict=False):
            unknowns = [2 * (row["n"] + 1) ** 2 for row in rows]
            times = [row["per_solve_s"] for row in rows]
            axes.loglog(unknowns, times, "o-", color=color, label=solver)
            lines += [
                f"| {row['n']:.0f} x {row['n']:.0f} | {solver} | "
                f"{row['per_solve_s']:.3g} | {row['solves']:.0f} | "
                f"{row['peak_mib']:.0f} |"
                for row in rows
            ]
        axes.set_xlabel("unknowns")
        axes.set_ylabel("processor time per Newton step (s)")
        axes.legend(title="solver")
        quiet_grid(axes, "both")
    lines.append(
        f"\nA run of {whole['steps']:.0f} steps on 40 x 40 elements: "
        f"{whole['s']:.0f} s of one core; {whole['early']:.0f} MiB held after "
        f"30 steps, {whole['late']:.0f} MiB after the last."
    )
    (HERE / "results" / "deposition.md").write_text("\n".join(lines) + "\n")
    (HERE / "results" / "deposition.png").write_bytes(png(figure, dpi=110))


def main() -> None:
    """Measure all, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs="+", metavar="N SOLVER, or run")
    parser.add_argument("--most", type=int, default=SIZES[-1])
    given = parser.parse_args()
    if given.one:
        whole = given.one == ["run"]
        found = measure_run() if whole else measure(int(given.one[0]), given.one[1])
        print(json.dumps(found))
        return
    sizes = [n for n in SIZES if n <= given.most]
    found = {solver: [run(n, solver) for n in sizes] for solver in SOLVERS}
    report(found, run("run"))


if __name__ == "__main__":
    main()
