"""The crystal library: published cells, each with its source, each checked.

`crystal(name)` returns the conventional cell; `read_crystal` also of CIF and POSCAR
files and structures. Coordinates follow the standard settings of `space_group`, with
origin choice 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.checks import check_overlaps
from ionface.structures.crystals.charges import formal_charges, unknown_charges
from ionface.structures.crystals.conventional import FILE_AXES, OWN_AXES, conventional
from ionface.structures.crystals.crystal_files import CrystalFile, read_file
from ionface.structures.crystals.space_group import fits, orbit
from ionface.structures.materials import Material, plain_material

# what replaces published numbers: lengths a, b, c, Å; angles alpha, ..., degrees
LatticeLengths = (
    Mapping[str, float]
    | Mapping[Literal["a", "b", "c", "alpha", "beta", "gamma"], float]
)
KEYS: tuple[Literal["a", "b", "c", "alpha", "beta", "gamma"], ...] = (
    "a", "b", "c", "alpha", "beta", "gamma",
)  # fmt: skip


@dataclass(frozen=True)
class LibraryCrystal:
    """One entry of the library.

    Attributes:
        name: in the library.
        formula: as published.
        spacegroup: Hermann-Mauguin symbol.
        number: of the space group.
        lattice: a, b, c in Å; alpha, beta, gamma in degrees.
        sites: (species or occupancies, Wyckoff letter, x, y, z).
        ordered: every site is fully occupied by one element.
        n_atoms: number of sites in the conventional cell.
        oxidation: charge of each element.
        distances: shortest distance of a pair must lie in this range, Å.
        extra_sites: named positions that doping may fill.
        source: literature.
        notes: what to know before use.
    """

    name: str
    formula: str
    spacegroup: str
    number: int
    lattice: Mapping[str, float]
    sites: tuple[tuple[Any, str, float, float, float], ...]
    ordered: bool
    n_atoms: int
    oxidation: Mapping[str, float]
    distances: Mapping[str, tuple[float, float]]
    extra_sites: Mapping[str, Mapping[str, Any]]
    source: str
    notes: str


@cache
def _data() -> dict[str, Any]:
    text = (files("ionface.structures.crystals") / "crystals.yaml").read_text("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


@cache
def materials() -> Mapping[str, LibraryCrystal]:
    """Return all crystals of the library by name."""
    return {
        name: LibraryCrystal(
            name=name,
            formula=str(entry["formula"]),
            spacegroup=entry["spacegroup"]["symbol"],
            number=entry["spacegroup"]["number"],
            lattice=entry["lattice"],
            sites=tuple(tuple(site) for site in entry["sites"]),
            ordered=entry["ordered"],
            n_atoms=entry["n_atoms"],
            oxidation=entry["ox"],
            distances={k: (v[0], v[1]) for k, v in entry["checks"].items()},
            extra_sites=entry.get("extra_sites", {}),
            source=entry["source"],
            notes=entry.get("notes", ""),
        )
        for name, entry in _data()["materials"].items()
    }


def material(name: str) -> LibraryCrystal:
    """Return a crystal's entry.

    Raises:
        StructureError: the library has none of this name; the closest are named.
    """
    if name in materials():
        return materials()[name]
    close = get_close_matches(name, materials(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise StructureError(
        f"unknown material {name!r}; {hint}the library has {len(materials())} "
        f"crystals ({', '.join(sorted(materials()))}), and a path to a CIF or POSCAR "
        "file works too"
    )


def crystal(name: str, lattice: LatticeLengths | None = None) -> Structure:
    """Return the conventional cell of a library crystal.

    Args:
        name: in the library.
        lattice: replaces cell lengths, Å, and angles; lengths that symmetry ties
            together (b of a tetragonal cell) follow a.
    """
    return _crystal(name, tuple(sorted((lattice or {}).items()))).copy()


@cache
def _crystal(name: str, lattice: tuple[tuple[str, float], ...]) -> Structure:
    entry = material(name)
    cell = replaced_lattice(entry.lattice, dict(lattice), entry.name)
    if not fits(entry.number, cell):
        raise StructureError(
            f"lattice override {dict(lattice)} of {entry.name} breaks its symmetry: "
            f"a cell of {entry.spacegroup} cannot have these lengths and angles"
        )
    orbits = [orbit(entry.number, site[2:]) for site in entry.sites]
    species = [
        site[0]
        for site, images in zip(entry.sites, orbits, strict=True)
        for _ in images
    ]
    return Structure(cell, species, np.concatenate(orbits))


def replaced_lattice(
    published: Mapping[str, float], override: LatticeLengths, where: str
) -> Lattice:
    """Return a lattice with some of its six numbers replaced.

    Args:
        published: a, b, c (Å), alpha, beta, gamma (degrees).
        override: some of them; b and c follow a where they are published as equal.
        where: named in the message.

    Raises:
        StructureError: an unknown key, or a number more than 20 % off.
    """
    cell = dict(published)
    for key, value in override.items():
        # functionals are a few percent off experiment; more is a typing error
        if key not in KEYS or not 0.8 < value / published[key] < 1.25:
            raise StructureError(
                f"lattice override {key}={value} of {where}: only {', '.join(KEYS)} "
                f"within 20 % of the published {dict(published)} are accepted"
            )
        cell[key] = value
    for key in ("b", "c"):
        if key not in override and published[key] == published["a"]:
            cell[key] = cell["a"]
    return Lattice.from_parameters(*(float(cell[key]) for key in KEYS))


def read_crystal(
    material: Material, lattice: LatticeLengths | None = None
) -> Structure:
    """Return the crystal that a layer names or holds, in its conventional cell.

    Args:
        material: library name, path to a CIF or POSCAR file, or a structure (also as
            the plain data of `materials.plain_material`).
        lattice: replaces cell lengths, Å, and angles; atoms keep their fractions.

    Raises:
        StructureError: unknown name, unreadable file, overlap.
    """
    material = plain_material(material)
    if in_library(material):
        return crystal(str(material), lattice)
    structure, _ = conventional(read_structure(material))
    if lattice:
        own = dict(zip(map(str, KEYS), structure.lattice.parameters, strict=True))
        structure.lattice = replaced_lattice(own, lattice, _where(material))
    return structure


def read_structure(material: Material) -> Structure:
    """Return what a file holds or what was given, in its own cell.

    Raises:
        StructureError: unknown name, unreadable file, overlap.
    """
    material = plain_material(material)
    structure = _read(material).structure
    check_overlaps(structure, _where(material))  # of what is full; orderings see to it
    return structure


def _read(material: str | dict[str, Any]) -> CrystalFile:
    if isinstance(material, dict):
        return CrystalFile(_from_plain(material), {}, ())
    if in_library(material) or not (Path(material).suffix or Path(material).exists()):
        return CrystalFile(crystal(material), {}, ())
    return read_file(Path(material))


def _where(material: str | dict[str, Any]) -> str:
    return f"file {material}" if isinstance(material, str) else "the given structure"


def _from_plain(data: Mapping[str, Any]) -> Structure:
    """Return the structure of `materials.plain_material`."""
    try:
        return Structure(data["lattice"], data["species"], data["frac_coords"])
    except Exception as error:  # pymatgen raises its own kinds too
        raise StructureError(
            "a structure as a mapping needs lattice (three vectors, Å), species and "
            f"frac_coords, of as many sites: {type(error).__name__}: {error}"
        ) from error


def in_library(material: Material) -> bool:
    """Return whether the library has a crystal of this name."""
    return isinstance(material, str) and material in materials()


def material_name(material: Material) -> str:
    """Return how provenance and messages call a material."""
    plain = plain_material(material)
    if isinstance(plain, str):
        return plain
    return f"{_from_plain(plain).composition.reduced_formula} (own structure)"


def oxidation_states(material: Material, structure: Structure) -> dict[str, float]:
    """Return the charge of each element: zero in metals; empty where none are known.

    Args:
        material: a library crystal's charges are published, a file may state them.
        structure: of the material, ordered or not.
    """
    material = plain_material(material)
    if in_library(material):
        return dict(materials()[str(material)].oxidation)
    stated = _read(material).charges
    return formal_charges(structure.composition, structure.is_ordered, stated)


def reading_notes(material: Material) -> list[str]:
    """Return what a material left open, and what could not be checked for that."""
    material = plain_material(material)
    if in_library(material):
        return []
    held = _read(material)
    notes = [f"{_where(material)}: {note}" for note in held.notes]
    if not oxidation_states(material, held.structure):
        composition = held.structure.composition
        elements = [element.symbol for element in composition.elements]
        unknown = unknown_charges(composition.reduced_formula, elements)
        notes.append(f"{_where(material)}: {unknown}")
    return notes


def setting(material: Material) -> str:
    """Return whose axes Miller indices belong to, as in "I4/mmm axes"."""
    material = plain_material(material)
    if in_library(material):
        return f"{materials()[str(material)].spacegroup} axes"
    own = FILE_AXES if isinstance(material, str) else OWN_AXES
    return conventional(_read(material).structure, own)[1]


def free_sites(material: Material, host: str) -> tuple[tuple[float, float, float], ...]:
    """Return the fractional 36f (M3) positions that added Li may take.

    Args:
        material: of the library; of others no such positions are known.
        host: element that is replaced; Ge takes the site of LAGP, Ti that of LATP.

    Raises:
        StructureError: the library knows no such position of this crystal.
    """
    name = material_name(material)
    entry = materials().get(name)
    extra = entry.extra_sites if entry else {}
    sites = {k: v for k, v in extra.items() if k.startswith("M3")}
    best = {"Ge": "M3_LAGP", "Ti": "M3_LATP"}.get(host, "")
    if entry is None or not sites:
        known = [n for n, m in materials().items() if m.extra_sites]
        raise StructureError(
            f"no position for added Li is known in {name}; doping works for {known}"
        )
    site = sites.get(best) or next(iter(sites.values()))
    images = orbit(entry.number, site["xyz"])
    return tuple((float(x), float(y), float(z)) for x, y, z in images)
