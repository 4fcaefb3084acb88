"""What a vasprun.xml says before its first ionic step: what a run was asked to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.trajectory.frames import FloatArray
from ionface.files import digest
from ionface.symbols import element_of

Value = str | int | float | bool | list[Any] | None

# Python reads more as a number than Fortran prints: 1_0, 1e0, nan, other alphabets.
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]\d+)?", re.ASCII)
# Fortran prints a digit before the point: a coordinate without one lost it.
_COORDINATE = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]\d+)?", re.ASCII)
_DECLARATION = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class DamagedError(Exception):
    """An element that should be there is not, or its numbers are none."""


@dataclass(frozen=True)
class AtomType:
    """One species of a run.

    Attributes:
        count: number of its atoms.
        element: chemical symbol.
        valence: electrons that its pseudopotential brings; NaN if it is not told.
        title: of the pseudopotential.
    """

    count: int
    element: str
    valence: float
    title: str


@dataclass(frozen=True)
class VaspSettings:
    """What a run was asked to do.

    Attributes:
        version: of VASP.
        incar: the tags that the user gave.
        parameters: all tags with VASP's defaults.
        species: chemical symbol of each atom.
        atom_types: the species in POSCAR's order.
        k_points: the mesh or the list, in words.
        lattice: initial cell, Å, shape (3, 3).
        free: which coordinates may move, shape (n_atoms, 3), or None if all may.
        build: the rest of the generator's words; a stand-in says there what it is.
    """

    version: str
    incar: Mapping[str, Value]
    parameters: Mapping[str, Value]
    species: tuple[str, ...]
    atom_types: tuple[AtomType, ...]
    k_points: str
    lattice: FloatArray
    free: NDArray[np.bool_] | None
    build: str = ""

    @property
    def pseudopotentials(self) -> tuple[str, ...]:
        """Return the titles, each once."""
        return tuple(dict.fromkeys(kind.title for kind in self.atom_types))

    def tag(self, name: str, default: Any = None) -> Any:
        """Return a tag as VASP used it, else as the user gave it, else `default`."""
        value = self.parameters.get(name)
        return value if value is not None else self.incar.get(name, default)


def read_settings(text: bytes, whole: bool) -> VaspSettings:
    """Return the settings of a vasprun.xml.

    Args:
        text: the file up to its first ionic step, or all of it.
        whole: it is all of it.

    Raises:
        DamagedError, xml.etree.ElementTree.ParseError, ValueError, LookupError:
            something that should be there is not, or it is no XML.
    """
    return _settings(_header(text, whole))


def _header(text: bytes, whole: bool) -> ET.Element:
    """Return the tree of a file's start, or of a file without any ionic step."""
    if _DECLARATION.search(text):
        raise DamagedError("it declares XML entities, which VASP never does")
    parser: ET.XMLPullParser[Any] = ET.XMLPullParser(("start",))
    parser.feed(text)
    if whole:
        parser.close()
    events = list(parser.read_events())  # raises what was wrong in the text
    if not events:
        raise DamagedError("it is empty")
    root: ET.Element = events[0][1]  # type: ignore[assignment, misc]
    return root


def _settings(root: ET.Element) -> VaspSettings:
    atoms = root.findall("atominfo/array[@name='atoms']/set/rc")
    types = root.findall("atominfo/array[@name='atomtypes']/set/rc")
    structure = root.find("structure[@name='initialpos']")
    if not atoms or structure is None:
        raise DamagedError("it has no atoms or no initial structure")
    kinds = tuple(map(_atom_type, types))
    return VaspSettings(
        version=(root.findtext("generator/i[@name='version']") or "").strip(),
        build=(root.findtext("generator/i[@name='subversion']") or "").strip(),
        incar=read_tags(root.find("incar")),
        parameters=read_tags(root.find("parameters")),
        species=tuple(_symbol(row, kinds) for row in atoms),
        atom_types=kinds,
        k_points=_k_points(root.find("kpoints")),
        lattice=read_vectors(structure.find("crystal/varray[@name='basis']"), 3),
        free=_free(structure.find("varray[@name='selective']")),
    )


def _atom_type(row: ET.Element) -> AtomType:
    words = [(cell.text or "").strip() for cell in row.findall("c")]
    count, name, *_, title = words
    valence = _scalar(words[-2], "float") if len(words) > 4 else None
    known = valence if isinstance(valence, float) else math.nan
    return AtomType(int(count), element_of(name, title) or name, known, title)


def _symbol(atom: ET.Element, kinds: Sequence[AtomType]) -> str:
    """Return the element of an atom; what the file calls it where that is none."""
    name, number, *_ = [*((cell.text or "").strip() for cell in atom.findall("c")), ""]
    known = number.isdigit() and 0 < int(number) <= len(kinds)
    return element_of(name, kinds[int(number) - 1].title if known else "") or name


def read_tags(element: ET.Element | None) -> dict[str, Value]:
    """Return all `i` and `v` below an element by name; nothing if there is none.

    The first of one name counts: up to VASP 6.2 the section on response functions, at
    the end, repeats NELM and others with defaults of its own.
    """
    found: dict[str, Value] = {}
    for child in () if element is None else element.iter():
        if child.tag in ("i", "v"):
            found.setdefault(child.get("name", ""), _value(child))
    return found


def _value(element: ET.Element) -> Value:
    text = (element.text or "").strip()
    kind = element.get("type", "float")
    if element.tag == "v":
        return [_scalar(word, kind) for word in text.split()]
    return _scalar(text, kind)


def _scalar(text: str, kind: str) -> Value:
    if kind == "string":
        return text
    if kind == "logical":
        return text.strip(".").upper().startswith("T")
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        return None


def _k_points(element: ET.Element | None) -> str:
    if element is None:
        return "unknown"
    generation = element.find("generation")
    if generation is None:
        points = element.findall("varray[@name='kpointlist']/v")
        told = " ".join(word for v in points for word in (v.text or "").split())
        return f"list of {len(points)} ({digest(told)[:8]})"
    scheme = (generation.get("param") or "").strip()
    tags = read_tags(generation)
    if isinstance(mesh := tags.get("divisions"), list):
        shift = tags.get("usershift")
        moved = f" shift {shift}" if isinstance(shift, list) and any(shift) else ""
        return f"{scheme} {'x'.join(map(str, mesh))}{moved}"
    return f"{scheme} {' '.join(f'{k}={v}' for k, v in tags.items())}".strip()


def _free(element: ET.Element | None) -> NDArray[np.bool_] | None:
    if element is None:
        return None
    rows = [(row.text or "").split() for row in element.findall("v")]
    return np.array([[word.upper().startswith("T") for word in row] for row in rows])


def read_vectors(element: ET.Element | None, count: int) -> FloatArray:
    """Return the rows of a varray, shape (count, 3).

    Raises:
        DamagedError: there are others than `count` rows of three finite numbers.
    """
    found = [] if element is None else element.findall("v")
    rows = [(row.text or "").split() for row in found]
    if len(rows) != count or any(len(row) != 3 for row in rows):
        raise DamagedError(f"expected {count} vectors, found {len(rows)}")
    words = [word for row in rows for word in row]
    if wrong := next((word for word in words if not _COORDINATE.fullmatch(word)), ""):
        raise DamagedError(f"unreadable number ({wrong[:30]!r})")
    values = np.array(words, dtype=np.float64).reshape(count, 3)
    if not np.isfinite(values).all():
        raise DamagedError("a number is too large")
    return values
