"""What may be chosen of an interface: the terminations of its sides, its matches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ionface.errors import StructureError
from ionface.structures.matching.match import Match
from ionface.structures.matching.search import matches
from ionface.structures.slabs.crystal_layer import facet_slabs
from ionface.structures.slabs.cuts import excess_told
from ionface.structures.specs import CrystalLayer, InterfaceSpec, SlabLayer


def chosen_match(options: Sequence[Match], wanted: int | str, where: str) -> int:
    """Return the index of the match that is meant.

    Args:
        options: ranked, from `matches`.
        wanted: an index, "smallest" (fewest atoms, then least strain) or
            "least-strain" (then fewest atoms).
        where: named in the message.

    Raises:
        StructureError: there are not so many matches.
    """
    numbers = range(len(options))
    if wanted == "smallest":
        return min(numbers, key=lambda i: (options[i].atoms, options[i].max_strain))
    if wanted == "least-strain":
        return min(
            numbers, key=lambda i: (round(options[i].max_strain, 5), options[i].atoms)
        )
    if not (isinstance(wanted, int) and 0 <= wanted < len(options)):
        raise StructureError(
            f"{where}: match={wanted}, but the {len(options)} matches are numbered "
            f"from 0 to {len(options) - 1}; `ionface build --matches` lists them, and "
            "smallest and least-strain name two of them"
        )
    return wanted


def interface_matches(spec: InterfaceSpec) -> list[Match]:
    """Return all matches of an interface's slabs; none of a film made in its cell.

    Raises:
        StructureError: as `matches`.
    """
    if not isinstance(spec.film, CrystalLayer | SlabLayer):
        return []
    return matches(
        spec.film,
        spec.lower,
        spec.max_strain,
        spec.max_area,
        spec.strained,
        spec.stiffness,
        min_area=spec.min_area,
    )


def match_rows(options: Sequence[Match]) -> list[dict[str, Any]]:
    """Return one row per match, as plain data."""
    return [
        {
            "match": index,
            "strain %": round(100 * option.max_strain, 2),
            "atoms": option.atoms,
            "area Å²": round(option.area, 1),
            "film": option.film.tolist(),
            "substrate": option.substrate.tolist(),
        }
        for index, option in enumerate(options)
    ]


def termination_rows(layer: CrystalLayer) -> list[dict[str, Any]]:
    """Return one row per termination of a layer's facet, as plain data.

    Raises:
        StructureError: as `facet_slabs`.
    """
    return [
        {
            "layer": layer.phase,
            "termination": option.index,
            "top/bottom": option.label,
            "Tasker": option.tasker,
            "dipole e/Å": round(option.dipole, 3),
            "excess": excess_told(option.excess),
            "charge e": f"{option.charge:+.3g}" if option.charge else "",
        }
        for option in facet_slabs(layer).terminations
    ]


def draw_matches(options: Sequence[Match], chosen: int, path: Path, title: str) -> None:
    """Draw strain against atoms; the line joins those that nothing beats in both."""
    from matplotlib.figure import Figure

    best = [
        option
        for option in options
        if not any(
            other.atoms <= option.atoms and other.max_strain < option.max_strain - 1e-6
            for other in options
        )
    ]
    best.sort(key=lambda option: option.atoms)
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for some, style in ((options, "o"), (best, "o-"), ([options[chosen]], "s")):
        atoms = [option.atoms for option in some]
        axes.plot(atoms, [100 * option.max_strain for option in some], style)
    for index, option in enumerate(options):
        axes.annotate(
            str(index), (option.atoms, 100 * option.max_strain), xytext=(4, 4),
            textcoords="offset points", fontsize=8,
        )  # fmt: skip
    axes.set_xlabel("atoms")
    axes.set_ylabel("largest strain (%)")
    axes.set_title(f"{title}: match {chosen} is built", loc="left")
    figure.savefig(path, dpi=150)
