"""Slabs, matches and interfaces beside pymatgen's: counts, cut polyanions, CPU times.

Run from the project's root: `python benchmarks/structures.py`; it writes
benchmarks/results/structures.md. Both sides run in the same process, one after the
other, on one core; times are CPU seconds, medians of `REPEATS` runs.
"""

# ruff: noqa: E402 - the path must be set before the package can be found

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
# this file has the name of the package, which its own folder would hide
sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from pymatgen.analysis.interfaces.coherent_interfaces import CoherentInterfaceBuilder
from pymatgen.analysis.interfaces.zsl import ZSLGenerator
from pymatgen.core import Structure
from pymatgen.core.surface import SlabGenerator

from benchmarks.structures_cases import FACETS, PAIRS, Pair
from benchmarks.structures_zsl import (
    lacking_pairs,
    largest_strain,
    own_matches,
    zsl_matches,
)
from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal
from ionface.structures.interface import build_interface
from ionface.structures.slabs.crystal_layer import cut_slab, facet_slabs
from ionface.structures.slabs.slab import Slab, turned_over
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.study.study_files import load

Array = np.ndarray
REPEATS = 5
MATCHES = 3  # of each pair of terminations
RESULT = Path(__file__).parent / "results" / "structures.md"
FINE = 0.01  # Å; tolerance at which pymatgen tells most planes apart
BONDS = {("P", "O"): 1.9, ("P", "S"): 2.45, ("Ge", "S"): 2.6}
TOO_NEAR = 1.3  # Å; the shortest bond here, P-O, has 1.5


MAX_STRAIN = 0.05


def cpu(
    work: Callable[..., Any], *arguments: Any, repeats: int = REPEATS
) -> tuple[float, Any]:
    """Return the median CPU time of some work, s, and its result."""
    times, result = [], None
    for _ in range(repeats):
        start = time.process_time()
        result = work(*arguments)
        times.append(time.process_time() - start)
    return statistics.median(times), result


def faults(structure: Structure) -> tuple[int, int]:
    """Return cut polyanions and overlapping pairs by a plain count of neighbors.

    A center must have four ligands; one whose ligands are all gone counts too.

    Nothing of the library is used: all images within one cell in each direction.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    matrix = structure.lattice.matrix
    fractions = structure.frac_coords
    shifts = np.array(list(product((-1, 0, 1), repeat=3)))
    difference = fractions[:, None] - fractions[None]
    difference -= np.rint(difference)
    nearest = np.stack(
        [np.linalg.norm((difference + shift) @ matrix, axis=2) for shift in shifts]
    )
    nearest[nearest < 1e-6] = np.inf
    overlaps = int((nearest < TOO_NEAR).sum()) // 2
    cut = 0
    for (center, ligand), bond in BONDS.items():
        near = (nearest < bond)[:, symbols == center][:, :, symbols == ligand]
        around = near.sum(axis=(0, 2))
        cut += int((around[around > 0] != 4).sum())
    return cut + _bare(symbols, nearest), overlaps


def _bare(symbols: Array, nearest: Array) -> int:
    """Return the number of phosphorus atoms without any ligand."""
    ligands = np.isin(symbols, ("O", "S"))
    near = (nearest < 2.45)[:, symbols == "P"][:, :, ligands]
    return int((near.sum(axis=(0, 2)) == 0).sum())


def theirs(pair: Pair, tolerance: float, everything: bool) -> tuple[int, int]:
    """Return pymatgen's interfaces of a pair, and how many have a cut polyanion."""
    builder = CoherentInterfaceBuilder(
        crystal(pair.substrate.material),
        crystal(pair.film.material),
        pair.film.miller,
        pair.substrate.miller,
        zslgen=ZSLGenerator(
            max_area=pair.max_area, max_length_tol=MAX_STRAIN, max_angle_tol=0.03
        ),
        termination_ftol=tolerance,
        label_index=everything,
        filter_out_sym_slabs=not everything,
    )
    cut = 0
    for termination in builder.terminations:
        interface = next(builder.get_interfaces(termination, film_thickness=2))
        cut += faults(interface)[0] > 0
    return len(builder.terminations), cut


def ours(pair: Pair) -> tuple[int, int, int, int]:
    """Return our pairs of terminations, interfaces, and those cut or overlapping."""
    films = facet_slabs(pair.film).terminations
    substrates = facet_slabs(pair.substrate).terminations
    built = cut = overlapping = 0
    for film, substrate in product(films, substrates):
        spec = InterfaceSpec(
            "pair",
            replace(pair.film, termination=film.index),
            replace(pair.substrate, termination=substrate.index),
            max_strain=MAX_STRAIN,
            max_area=pair.max_area,
        )
        for match in range(MATCHES):
            try:
                model = build_interface(replace(spec, match=match))
            except StructureError as error:
                if "numbered from" not in str(error):
                    raise
                break
            broken, near = faults(model.structure)
            broken += not _stoichiometric(model.structure, pair.substrate.material)
            built, cut = built + 1, cut + (broken > 0)
            overlapping += near > 0
    return len(films) * len(substrates), built, cut, overlapping


def _stoichiometric(structure: Structure, name: str) -> bool:
    """Return whether no atom of the electrolyte but its lithium was lost."""
    found, unit = structure.composition, crystal(name).composition
    elements = [e for e in unit if e.symbol != "Li"]
    return len({round(found[e] / unit[e], 6) for e in elements}) == 1


def cut_polyanions() -> list[str]:
    lines = [
        "| interface | pymatgen, default | every termination (0.25 Å) "
        f"| every termination ({FINE} Å) "
        "| ours: pairs of terminations | interfaces built | cut | overlapping |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for pair in PAIRS:
        counts = [theirs(pair, t, e) for t, e in ((0.25, False), (0.25, True),
                                                  (FINE, True))]  # fmt: skip
        shown = " | ".join(f"{cut} cut of {n}" for n, cut in counts)
        own = " | ".join(map(str, ours(pair)))
        lines.append(f"| {pair.name} | {shown} | {own} |")
    return lines


def _their_slabs(generator: SlabGenerator) -> list[Structure]:
    return generator.get_slabs(ftol=FINE, filter_out_sym_slabs=True)


def _our_slabs(name: str, miller: tuple[int, int, int]) -> list[Slab]:
    found = facet_slabs(CrystalLayer(name, miller, layers=1))
    return [found.slab(one, 1) for one in found.terminations]


def numbers_of_terminations() -> list[str]:
    lines = [
        "| facet | pymatgen's full list | of these distinct (its own filter) | ours, "
        "all with whole polyanions | Tasker | CPU s, pymatgen | CPU s, ours | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, miller in FACETS:
        generator = SlabGenerator(crystal(name), miller, 5, 20, primitive=False)
        full = generator.get_slabs(ftol=FINE, filter_out_sym_slabs=False)
        slow, distinct = cpu(_their_slabs, generator)
        fast, own = cpu(_our_slabs, name, miller)
        indices = "".join(map(str, miller))
        lines.append(
            f"| {name}({indices}) | {len(full)} | {len(distinct)} | {len(own)} | "
            f"{own[0].facet_class} | {slow:.2f} | {fast:.2f} | {slow / fast:.1f} |"
        )
    return lines


def all_matches(max_strain: float = 0.02, max_area: float = 400.0) -> list[str]:
    lines = [
        "| pair | ZSLGenerator, its own tolerances | of these within 2 % | "
        "ours, all | ours, distinct | ZSL's that ours lacks | CPU s, ZSL | CPU s, ours "
        "| ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    generator = ZSLGenerator(
        max_area=max_area, max_length_tol=max_strain, max_angle_tol=0.01,
        bidirectional=True,
    )  # fmt: skip
    more = [
        Pair(CrystalLayer("Li", (1, 1, 0), layers=1),
             CrystalLayer("LiGe2(PO4)3", (1, 0, 0), layers=1), max_area),
        Pair(CrystalLayer("Li", (1, 0, 0), layers=1),
             CrystalLayer("LiF", (1, 0, 0), layers=1), max_area),
    ]  # fmt: skip
    for pair in (*PAIRS, *more):
        film, substrate = cut_slab(pair.film), cut_slab(pair.substrate)
        plane = np.asarray(turned_over(film.structure).lattice.matrix[:2])
        other = np.asarray(substrate.structure.lattice.matrix[:2])
        list(islice(generator(plane, other), 1))  # compiled before it is timed
        slow, raw = cpu(zsl_matches, generator, plane, other)
        within = [z for z in raw if largest_strain(z) <= max_strain]
        fast, found = cpu(own_matches, film, substrate, max_strain, max_area)
        distinct = [m for m in found if m.same_as is None and m.supercell == 1]
        lacking = lacking_pairs(raw, film, substrate, max_area)
        ratio = f"{slow / fast:.1f}" if fast else "-"
        lines.append(
            f"| {pair.name} | {len(raw)} | {len(within)} | {len(found)} | "
            f"{len(distinct)} | {lacking} | {slow:.3f} | {fast:.3f} | {ratio} |"
        )
    return lines


def builds() -> list[str]:
    lines = ["| model | atoms | CPU s |", "|---|---|---|"]
    for study, name in (("lpscl-in", "LPSCl|In"), ("lagp-pdol-li", "LAGP|Li")):
        specs = {spec.name: spec for spec in load(study).interfaces}
        seconds, model = cpu(build_interface, specs[name], repeats=3)
        shown = name.replace("|", " / ")
        lines.append(f"| {shown} | {len(model.structure)} | {seconds:.2f} |")
    return lines


def main() -> None:
    warnings.simplefilter("ignore")
    parts = [
        "# Structures: measured beside pymatgen",
        "",
        "`python benchmarks/structures.py`, CPU seconds on one core, medians; both "
        "sides in one process.",
        "",
        "## Interfaces with cut polyanions",
        "",
        "Cut polyanions and overlaps (below 1.3 Å) are counted by the benchmark itself "
        f"from neighbors. One match per pair of terminations for pymatgen, up to "
        f"{MATCHES} for ours; strain up to 5 %.",
        "",
        *cut_polyanions(),
        "",
        "## Distinct terminations",
        "",
        f"pymatgen: planes told apart by {FINE} Å; its filter compares whole slabs and "
        "does not tell top from bottom. Ours count both sides. Times: all distinct "
        "slabs built; ours with reading the crystal and every check.",
        "",
        *numbers_of_terminations(),
        "",
        "## Matches under 2 % strain and 400 Å²",
        "",
        "Ours: largest principal strain. ZSLGenerator: 2 % of lengths, 1 % of the "
        'angle, both directions. "All" holds every rotation of a superlattice, '
        '"distinct" one of each set that the slabs\' symmetry relates, without '
        'multiples of smaller cells. "Lacks" leaves out pairs that only a mirror image '
        "of the film reaches, which no rotation lays down. ZSLGenerator was compiled "
        "before it was timed; without a match ours has also looked for the closest "
        "one.",
        "",
        *all_matches(),
        "",
        "## Building the studies' models",
        "",
        *builds(),
        "",
    ]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(parts), encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
