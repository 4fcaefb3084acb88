"""Time the linear solvers of the deposition front: `python benchmarks/deposition.py`.

The first Newton step from rest on n x n elements: processor time of its linear system
and peak memory, each mesh and solver in a process of its own. Then a whole run, 130
steps on 40 x 40 elements: its processor time on one core, and the memory that it holds
early and late. Both go to results/deposition.md, the first to deposition.png.
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


class SolvedError(Exception):
    """Ends a step when its first linear system is solved; holds the time, s."""


def measure(n: int, solver: str) -> dict[str, float]:
    """Return what the first linear system on n x n elements takes."""
    import numpy as np
    import pyamg  # noqa: F401  (its import is no part of the time)

    from ionface.analysis.deposition import transport
    from ionface.analysis.deposition.cell import Kinetics, preset

    width, thickness = 20e-6, 100e-6
    x = np.linspace(0, width, n + 1)
    grid = transport.Grid(x, transport.heights(n, thickness, width / n), thickness)
    model = transport.Transport(grid, preset("qcpe"), Kinetics(1000.0), 20.0, solver)
    front = transport.Domain(grid, 1e-6 * np.cos(2 * np.pi * x / width))
    solved = vars(transport)["solved"]

    def timed(*given: Any) -> Any:
        started = time.process_time()
        solved(*given)
        raise SolvedError(time.process_time() - started)

    vars(transport)["solved"] = timed
    try:
        model.step(front, front, *model.at_rest(), 9.0)
    except SolvedError as end:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"n": n, "s": end.args[0], "peak_mib": peak}
    raise AssertionError("a step without a linear system")


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

    lines = ["| elements | solver | s | peak MiB |", "|---|---|---|---|"]
    with styled():
        figure = Figure(figsize=(6.5, 4.2), layout="constrained")
        axes = figure.subplots()
        for color, (solver, rows) in zip(PALETTE, found.items(), strict=False):
            unknowns = [2 * (row["n"] + 1) ** 2 for row in rows]
            times = [row["s"] for row in rows]
            axes.loglog(unknowns, times, "o-", color=color, label=solver)
            lines += [
                f"| {row['n']:.0f} x {row['n']:.0f} | {solver} | {row['s']:.3g} | "
                f"{row['peak_mib']:.0f} |"
                for row in rows
            ]
        axes.set_xlabel("unknowns")
        axes.set_ylabel("processor time of a linear system (s)")
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
