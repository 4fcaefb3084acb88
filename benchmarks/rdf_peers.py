"""The rows of rdf.py: ours and other people's ways to count In-S distances."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ionface.analysis.trajectory.trajectory import Trajectory

Row = Callable[[int], np.ndarray]  # frames to the In-S counts over them
Near = Callable[[np.ndarray, np.ndarray], Any]  # positions, cell to i, j, distance

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CELL = np.diag([10.0, 20.0, 35.0])
SIZES = {"In": 92, "S": 80, "Li": 60, "Cl": 40, "P": 28}
ELEMENTS = list(SIZES)
PAIRS = [f"{a}-{b}" for i, a in enumerate(ELEMENTS) for b in ELEMENTS[i:]]
CUTOFF, BINS, WINDOWS = 10.0, 200, 20


def positions(
    kind: str, n_frames: int, n_atoms: int = 300
) -> tuple[np.ndarray, np.ndarray]:
    """Return cell and frames: independent random ones, or atoms that vibrate."""
    rng = np.random.default_rng(0)
    cell = CELL * (n_atoms / 300) ** (1 / 3)
    if kind == "gas":
        return cell, rng.random((n_frames, n_atoms, 3)) @ cell
    start = rng.random((n_atoms, 3)) @ cell
    drift = np.cumsum(rng.normal(0, 0.01, (n_frames, n_atoms, 3)), axis=0)
    return cell, start + drift + rng.normal(0, 0.15, (n_frames, n_atoms, 3))


def species(n_atoms: int = 300) -> list[str]:
    named = [s for s, n in SIZES.items() for _ in range(round(n * n_atoms / 300))]
    return (named + ["P"] * n_atoms)[:n_atoms]


def trajectory(kind: str, n_frames: int, n_atoms: int = 300) -> Trajectory:
    """Return frames in memory; long runs repeat the same 10,000 (memory, not time)."""
    from ionface.analysis.trajectory.frames import Segment
    from ionface.analysis.trajectory.trajectory import Trajectory

    part = min(n_frames, 10_000)
    cell, xyz = positions(kind, part, n_atoms)
    segments = [
        Segment(np.arange(part) + k, (np.arange(part) + k) * 2.0, cell[None], xyz)
        for k in range(0, n_frames, part)
    ]
    return Trajectory(tuple(species(n_atoms)), tuple(segments))


# One function per row.


def ours(
    kind: str, n_frames: int, n_atoms: int, *, backend: str, threads: int, pairs: str
) -> Row:
    from ionface.analysis.rdf.rdf import rdf

    run = trajectory(kind, n_frames, n_atoms)
    options = {"cutoff": CUTOFF, "bins": BINS, "threads": threads, "backend": backend}

    def go(frames: int) -> np.ndarray:
        part = run.between(0, frames)
        if pairs == "one":
            found = rdf(part, ["In-S"], windows=1, **options)
        else:
            found = rdf(part, PAIRS, windows=WINDOWS, **options)
        return found.pairs["In-S"].counts.sum(axis=0)

    return go


def freud(kind: str, n_frames: int, n_atoms: int, **_: object) -> Row:
    """Freud refuses cells thinner than twice the cutoff: S is replicated by hand."""
    import freud as peer

    peer.parallel.set_num_threads(1)
    cell, xyz = positions(kind, n_frames, n_atoms)
    edges = np.diag(cell).astype(np.float32)
    xyz = xyz.astype(np.float32)
    times = np.floor(2 * CUTOFF / edges).astype(int) + 1
    box = peer.box.Box(*(np.diag(cell) * times))
    grid = np.stack(np.meshgrid(*map(np.arange, times)), -1).reshape(-1, 3)
    shifts = (grid * edges).astype(np.float32)
    first, second = of("In", n_atoms), of("S", n_atoms)

    def go(frames: int) -> np.ndarray:
        rdf = peer.density.RDF(bins=BINS, r_max=CUTOFF)
        for frame in xyz[:frames]:
            wrapped = frame % edges
            images = (wrapped[second] + shifts[:, None]).reshape(-1, 3)
            # the fastest of its three ways to search, tried for this cell
            tree = peer.locality.AABBQuery(box, images)
            rdf.compute(tree, query_points=wrapped[first], reset=False)
        return np.asarray(rdf.bin_counts)

    return go


def vesin(kind: str, n_frames: int, n_atoms: int, **_: object) -> Row:
    import vesin as peer

    def near(xyz: np.ndarray, cell: np.ndarray) -> Any:
        return peer.NeighborList(cutoff=CUTOFF, full_list=False).compute(
            xyz, cell, True, "ijd"
        )

    return neighbor_list(kind, n_frames, n_atoms, near, halves=False)


def matscipy(kind: str, n_frames: int, n_atoms: int, **_: object) -> Row:
    from matscipy.neighbours import neighbour_list

    def near(xyz: np.ndarray, cell: np.ndarray) -> Any:
        return neighbour_list(
            "ijd", cutoff=CUTOFF, positions=xyz, cell=cell, pbc=[True] * 3
        )

    return neighbor_list(kind, n_frames, n_atoms, near, halves=True)


def neighbor_list(
    kind: str, n_frames: int, n_atoms: int, near: Near, *, halves: bool
) -> Row:
    """Return a row that lists the neighbors among In and S and bins those of In-S."""
    cell, xyz = positions(kind, n_frames, n_atoms)
    both = np.concatenate([of("In", n_atoms), of("S", n_atoms)])
    border = len(of("In", n_atoms))

    def go(frames: int) -> np.ndarray:
        counts = np.zeros(BINS, dtype=np.int64)
        for frame in xyz[:frames]:
            i, j, d = near(np.ascontiguousarray(frame[both]), cell)
            mixed = d[(i < border) != (j < border)]
            found = np.bincount((mixed * (BINS / CUTOFF)).astype(int), minlength=BINS)
            counts += found[:BINS]
        return counts // 2 if halves else counts

    return go


def ovito(kind: str, n_frames: int, n_atoms: int, *, pairs: str, **_: object) -> Row:
    os.environ.setdefault("OVITO_THREAD_COUNT", "1")
    from ovito.data import DataCollection, Particles, SimulationCell
    from ovito.modifiers import CoordinationAnalysisModifier

    cell, xyz = positions(kind, n_frames, n_atoms)
    kept = np.arange(n_atoms)
    if pairs == "one":
        kept = np.concatenate([of("In", n_atoms), of("S", n_atoms)])
    named = np.array(species(n_atoms))[kept]
    modifier = CoordinationAnalysisModifier(
        cutoff=CUTOFF, number_of_bins=BINS, partial=True
    )
    data = DataCollection()
    data.objects.append(SimulationCell(pbc=(True, True, True)))
    data.cell_[:, :3] = cell.T
    data.objects.append(Particles(count=len(kept)))
    kinds = data.particles_.create_property("Particle Type")
    for name in dict.fromkeys(named):
        kinds.add_type_name(str(name), data.particles_)
    kinds[...] = [kinds.type_by_name(str(name)).id for name in named]

    def go(frames: int) -> np.ndarray:
        total = np.zeros(BINS)
        for frame in xyz[:frames]:
            data.particles_.create_property("Position", data=frame[kept])
            found = data.clone()
            found.apply(modifier)
            table = found.tables["coordination-rdf"]
            column = table.y.component_names.index("In-S")
            total += np.asarray(table.y)[:, column]
        # g(r) back to counts
        edges = np.arange(BINS + 1) * CUTOFF / BINS
        shells = 4 / 3 * np.pi * np.diff(edges**3)
        pairs_density = (
            len(of("In", n_atoms)) * len(of("S", n_atoms)) / np.linalg.det(cell)
        )
        return np.rint(total * shells * pairs_density)

    return go


def mdanalysis(kind: str, n_frames: int, n_atoms: int, **_: object) -> Row:
    from MDAnalysis.lib.distances import capped_distance

    cell, xyz = positions(kind, n_frames, n_atoms)
    box = np.array([*np.diag(cell), 90, 90, 90], dtype=np.float32)
    first, second = of("In", n_atoms), of("S", n_atoms)

    def go(frames: int) -> np.ndarray:
        counts = np.zeros(BINS, dtype=np.int64)
        for frame in xyz[:frames].astype(np.float32):
            _, d = capped_distance(frame[first], frame[second], CUTOFF, box=box)
            counts += np.histogram(d, bins=BINS, range=(0, CUTOFF))[0]
        return counts

    return go


def of(symbol: str, n_atoms: int) -> np.ndarray:
    return np.flatnonzero(np.array(species(n_atoms)) == symbol)


ROWS = {
    "ionface numba, 1 thread": (ours, {"backend": "numba", "threads": 1}),
    "ionface numba, 2 threads": (ours, {"backend": "numba", "threads": 2}),
    "ionface numpy, 1 thread": (ours, {"backend": "numpy", "threads": 1}),
    "freud, cell replicated": (freud, {}),
    "vesin, In and S only": (vesin, {}),
    "matscipy, In and S only": (matscipy, {}),
    "OVITO, partial": (ovito, {}),
    "MDAnalysis (minimum image)": (mdanalysis, {}),
}
ALL = [name for name in ROWS if "ionface" in name or "OVITO" in name]
