"""Streaming a vasprun.xml: its settings first, then one complete ionic step at a time.

A run that was killed leaves a file that ends anywhere; every step that was closed is
yielded, and `reason` then says why there are no more. Integers printed as `******`
(a counter that outgrew its field) are read as unknown instead of as an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from .errors import AnalysisError
from .files import BROKEN_STREAM, open_binary
from .frames import FloatArray

Value = str | int | float | bool | list[Any] | None


@dataclass(frozen=True)
class VaspSettings:
    """What a run was asked to do.

    Attributes:
        version: of VASP.
        incar: the tags that the user gave.
        parameters: all tags with VASP's defaults.
        species: chemical symbol of each atom.
        pseudopotentials: their titles.
        k_points: the mesh or the list, in words.
        lattice: initial cell, Å, shape (3, 3).
        free: which coordinates may move, shape (n_atoms, 3), or None if all may.
        build: the rest of the generator's words; a stand-in says there what it is.
    """

    version: str
    incar: Mapping[str, Value]
    parameters: Mapping[str, Value]
    species: tuple[str, ...]
    pseudopotentials: tuple[str, ...]
    k_points: str
    lattice: FloatArray
    free: NDArray[np.bool_] | None
    build: str = ""

    def tag(self, name: str, default: Any = None) -> Any:
        """Return a tag as VASP used it, else as the user gave it, else `default`."""
        value = self.parameters.get(name)
        return value if value is not None else self.incar.get(name, default)


@dataclass(frozen=True)
class IonicStep:
    """One complete step.

    Attributes:
        lattice: Å, shape (3, 3).
        fractional: positions in units of the cell vectors, shape (n_atoms, 3).
        forces: eV/Å, shape (n_atoms, 3), or None.
        energies: as VASP names them (e_fr_energy, e_0_energy, kinetic, ...), eV.
        scf_steps: electronic steps that it took.
    """

    lattice: FloatArray
    fractional: FloatArray
    forces: FloatArray | None
    energies: Mapping[str, float]
    scf_steps: int


class VasprunStream:
    """Reads one file from its start to its end, once.

    Attributes:
        settings: known as soon as the object exists.
        reason: why the steps ended before the file's proper end; empty if they did not.
    """

    def __init__(self, path: Path) -> None:
        """Read up to the first ionic step.

        Raises:
            AnalysisError: the file cannot be opened, or ends before its settings do.
        """
        self.path = path
        self.reason = ""
        self._file = open_binary(path)
        self._events = ET.iterparse(self._file, events=("start", "end"))
        self._root: ET.Element | None = None
        try:
            self._open_calculation = self._seek_calculation()
            root = self._root if self._root is not None else ET.Element("modeling")
            self.settings = _settings(root)
        except (ET.ParseError, *BROKEN_STREAM, DamagedError) as error:
            self._file.close()
            raise AnalysisError(
                f"{path} is no usable vasprun.xml, it ends or breaks before its first "
                f"ionic step ({error}); take another output of this run, such as "
                "XDATCAR or OUTCAR"
            ) from error

    def close(self) -> None:
        """Release the file, where the steps are not wanted."""
        self._file.close()

    def _seek_calculation(self) -> bool:
        for event, element in self._events:
            if self._root is None:
                self._root = element
            if event == "start" and element.tag == "calculation":
                return True
        return False

    def steps(self) -> Iterator[IonicStep]:
        """Yield every complete ionic step; then `reason` is final."""
        try:
            for event, element in self._events if self._open_calculation else ():
                if event == "end" and element.tag == "calculation":
                    yield _step(element, len(self.settings.species))
                    element.clear()
                    if self._root is not None:
                        self._root.clear()
        except ET.ParseError:
            self.reason = "the file ends inside an ionic step or before its closing tag"
        except (*BROKEN_STREAM, DamagedError) as error:
            self.reason = f"the file is damaged: {error}"
        finally:
            self._file.close()


class DamagedError(Exception):
    """An element that should be there is not, or its numbers are none."""


def _settings(root: ET.Element) -> VaspSettings:
    atoms = root.findall("atominfo/array[@name='atoms']/set/rc")
    types = root.findall("atominfo/array[@name='atomtypes']/set/rc")
    structure = root.find("structure[@name='initialpos']")
    if not atoms or structure is None:
        raise DamagedError("it has no atoms or no initial structure")
    rows = [[(c.text or "").strip() for c in row.findall("c")] for row in types]
    return VaspSettings(
        version=(root.findtext("generator/i[@name='version']") or "").strip(),
        build=(root.findtext("generator/i[@name='subversion']") or "").strip(),
        incar=_tags(root.find("incar")),
        parameters=_tags(root.find("parameters")),
        species=tuple((row.findtext("c") or "").strip() for row in atoms),
        pseudopotentials=tuple(dict.fromkeys(row[-1] for row in rows)),
        k_points=_k_points(root.find("kpoints")),
        lattice=_vectors(structure.find("crystal/varray[@name='basis']"), 3),
        free=_free(structure.find("varray[@name='selective']")),
    )


def _tags(element: ET.Element | None) -> dict[str, Value]:
    if element is None:
        return {}
    return {
        child.get("name", ""): _value(child)
        for child in element.iter()
        if child.tag in ("i", "v")
    }


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
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        return None


def _k_points(element: ET.Element | None) -> str:
    if element is None:
        return "unknown"
    generation = element.find("generation")
    if generation is None:
        count = len(element.findall("varray[@name='kpointlist']/v"))
        return f"list of {count}"
    scheme = (generation.get("param") or "").strip()
    tags = _tags(generation)
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


def _vectors(element: ET.Element | None, count: int) -> FloatArray:
    """Return the rows of a varray, shape (count, 3)."""
    rows = [] if element is None else [v.text or "" for v in element.findall("v")]
    try:
        values = np.array(" ".join(rows).split(), dtype=np.float64)
    except ValueError as error:
        raise DamagedError(f"unreadable number ({error})") from error
    if values.size != 3 * count or not np.isfinite(values).all():
        raise DamagedError(f"expected {count} vectors, found {values.size / 3:g}")
    return values.reshape(count, 3)


def _step(calculation: ET.Element, n_atoms: int) -> IonicStep:
    structure = calculation.find("structure")
    if structure is None:
        raise DamagedError("an ionic step has no structure")
    forces = calculation.find("varray[@name='forces']")
    electronic = calculation.findall("scstep")
    energies = _energies(calculation.find("energy"))
    if electronic:
        energies = _extrapolated(energies, _energies(electronic[-1].find("energy")))
    return IonicStep(
        lattice=_vectors(structure.find("crystal/varray[@name='basis']"), 3),
        fractional=_vectors(structure.find("varray[@name='positions']"), n_atoms),
        forces=None if forces is None else _vectors(forces, n_atoms),
        energies=energies,
        scf_steps=len(electronic),
    )


def _energies(element: ET.Element | None) -> dict[str, float]:
    return {
        name: value
        for name, value in _tags(element).items()
        if isinstance(value, float)
    }


def _extrapolated(
    energies: dict[str, float], electronic: Mapping[str, float]
) -> dict[str, float]:
    """Return the energies with e_0_energy mended from the last electronic step.

    Some versions of VASP repeat e_fr_energy, or print a value without corrections, as
    e_0_energy of the ionic step (VASP forum, topic 16942).
    """
    needed = ("e_0_energy", "e_fr_energy")
    if all(name in electronic for name in needed) and "e_fr_energy" in energies:
        entropy = electronic["e_0_energy"] - electronic["e_fr_energy"]
        return energies | {"e_0_energy": energies["e_fr_energy"] + entropy}
    return energies
