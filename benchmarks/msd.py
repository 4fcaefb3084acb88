"""Mean squared displacement at all lags: ours, the direct sum, and two other libraries.

Run from the project's root, on a quiet machine:

    OMP_NUM_THREADS=1 python benchmarks/msd.py

Times are CPU seconds (user + system), medians of five calls after one that is thrown
away. Everybody starts from unwrapped positions in memory and is called as its users do:
MDAnalysis walks through the frames of a universe, pymatgen-analysis-diffusion fits too.
What is not installed is left out (MDAnalysis needs tidynamics for its FFT). Writes
benchmarks/results/msd.md.
"""

from __future__ import annotations

import importlib.util
import platform
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from ionface.analysis.diffusion.diffusion import diffusion_coefficients
from ionface.analysis.diffusion.msd import axis_msd

ATOMS = 96
RUNS = 5
PATIENCE = 60.0  # CPU seconds that one method may take at a size
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000)
SLOW_SIZES = (1_000, 2_000, 5_000)  # where every lag costs a pass over all frames
Msd = np.ndarray


def walk(frames: int) -> np.ndarray:
    """Return a random walk of the amplitude of an ion, Å, shape (frames, ATOMS, 3)."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 0.05, (frames, ATOMS, 3))
    return np.cumsum(steps, axis=0) + rng.uniform(0, 20, (1, ATOMS, 3))


def direct(positions: np.ndarray) -> Msd:
    n = len(positions)
    result = np.zeros(n)
    for lag in range(1, n):
        moved = positions[lag:] - positions[: n - lag]
        result[lag] = np.einsum("tax,tax->", moved, moved) / (n - lag) / ATOMS
    return result


def mdanalysis(*, fft: bool) -> Callable[[np.ndarray], Msd]:
    import MDAnalysis
    from MDAnalysis.analysis.msd import EinsteinMSD

    def run(positions: np.ndarray) -> Msd:
        universe = MDAnalysis.Universe.empty(ATOMS, trajectory=True)
        universe.load_new(positions, order="fac")
        found = EinsteinMSD(universe, select="all", msd_type="xyz", fft=fft).run()
        return np.asarray(found.results.timeseries)

    return run


def pymatgen_diffusion() -> Callable[[np.ndarray], Msd]:
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    lattice = Lattice.cubic(40.0)

    def run(positions: np.ndarray) -> Msd:
        # one heavy spectator at rest, for the drift that it always subtracts
        species = ["Li"] * ATOMS + ["O"]
        first = np.vstack([positions[0], np.zeros((1, 3))])
        structure = Structure(lattice, species, first, coords_are_cartesian=True)
        moved = np.zeros((ATOMS + 1, len(positions), 3))
        moved[:ATOMS] = (positions - positions[0]).transpose(1, 0, 2)
        found = DiffusionAnalyzer(structure, moved, "Li", 300, 1, 10, smoothed="max")
        return np.asarray(found.msd)

    return run


def ours(positions: np.ndarray) -> Msd:
    return axis_msd(positions).sum(axis=1)


def methods() -> dict[str, tuple[Callable[[np.ndarray], Msd], tuple[int, ...]]]:
    found: dict[str, tuple[Callable[[np.ndarray], Msd], tuple[int, ...]]] = {
        "ionface": (ours, SIZES),
        "direct numpy sum": (direct, SLOW_SIZES),
    }
    if importlib.util.find_spec("MDAnalysis"):
        name = f"MDAnalysis {version('MDAnalysis')}"
        if importlib.util.find_spec("tidynamics"):
            found[f"{name}, fft (tidynamics {version('tidynamics')})"] = (
                mdanalysis(fft=True),
                SIZES,
            )
        found[f"{name}, windowed"] = (mdanalysis(fft=False), SLOW_SIZES)
    if importlib.util.find_spec("pymatgen.analysis.diffusion"):
        name = f"pymatgen-analysis-diffusion {version('pymatgen-analysis-diffusion')}"
        found[f"{name} (about 200 lags only)"] = (pymatgen_diffusion(), SIZES)
    return found


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the median CPU time of five calls, one if a call takes long."""
    call()
    times: list[float] = []
    while len(times) < RUNS:
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
        if times[0] > PATIENCE / RUNS:
            break
    return median(times)


def main() -> None:
    warnings.simplefilter("ignore")
    rows: dict[str, dict[int, float]] = {}
    agreement: dict[str, float] = {}
    for name, (method, sizes) in methods().items():
        rows[name] = {}
        found = method(walk(sizes[0]))
        if len(found) == sizes[0]:
            expected = ours(walk(sizes[0]))
            agreement[name] = float(np.max(np.abs(found - expected)))
        for frames in sizes:
            positions = walk(frames)
            rows[name][frames] = cpu_seconds(lambda m=method, p=positions: m(p))
            print(f"{name}: {frames} frames, {rows[name][frames]:.3f} s", flush=True)
    positions = walk(2_000)
    worst = float(np.max(np.abs(ours(positions) - direct(positions))))
    long = walk(10_000)
    fit = cpu_seconds(lambda: diffusion_coefficients(long, 2.0, directions=["3d"]))
    write(rows, agreement, worst, fit)


def write(
    rows: dict[str, dict[int, float]],
    agreement: dict[str, float],
    worst: float,
    fit: float,
) -> None:
    ours = rows["ionface"]
    growth = np.polyfit(np.log(list(ours)), np.log(list(ours.values())), 1)[0]
    lines = [
        "# Mean squared displacement at all lags",
        "",
        f"{ATOMS} atoms, three dimensions, CPU seconds, median of {RUNS} (one run",
        f"where it takes more than {PATIENCE / RUNS:g} s). Python "
        f"{platform.python_version()}, numpy {np.__version__}, scipy "
        f"{version('scipy')}, one thread.",
        "",
        "| frames | " + " | ".join(f"{frames:,}" for frames in SIZES) + " |",
        "|---" * (len(SIZES) + 1) + "|",
    ]
    for name, times in rows.items():
        cells = [f"{times[f]:.3f}" if f in times else "" for f in SIZES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"- Growth of ours in frames: exponent {growth:.2f} (the direct sum: 2).",
        f"- Largest difference from the direct sum, 2,000 frames: {worst:.1e} Å².",
        *(
            f"- {name} and ours differ by {difference:.1e} Å² at most, 1,000 frames;\n"
            "  its frames hold single precision."
            for name, difference in agreement.items()
            if name.startswith("MDAnalysis")
        ),
        f"- A diffusion coefficient with its error bar, 10,000 frames: {fit:.2f} s.",
        "- pymatgen-analysis-diffusion samples about 200 lags by design and adds the",
        "  fit, components and site displacements; it has no mode for all lags.",
        "- Empty: a pass over all frames for every lag, left out as too slow.",
        "",
        "Again: `OMP_NUM_THREADS=1 python benchmarks/msd.py`.",
    ]
    target = Path(__file__).parent / "results" / "msd.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {target}")


if __name__ == "__main__":
    main()
