"""Copying outputs without the licensed text that VASP puts into them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

LICENSED = re.compile(rb"PSCTR-controll|parameters from PSCTR|COPYR\s*=")
KEPT = re.compile(r"POTCAR:|VRHFIN|LEXCH|TITEL|POMASS|ENMAX|^ *$")
END_OF_POTCARS = re.compile(r"number of lm-projection|POSCAR:|^ -{20,}|^-{20,}")
CHUNK = 1 << 20


def copy_without_potcar(source: Path, target: Path) -> str:
    """Copy an output; return why it was not, or an empty text.

    OUTCAR's description of the pseudopotentials is reduced to titles, masses, valences
    and cutoffs. vaspout.h5 loses /input/potcar. Any other file with a POTCAR's text is
    left out.
    """
    if source.suffix == ".h5":
        return _copy_hdf5(source, target)
    if source.name.startswith("OUTCAR"):
        with source.open(errors="replace") as lines, target.open("w") as kept:
            _copy_outcar(lines, kept)
    else:
        shutil.copyfile(source, target)
    if _is_licensed(target):
        target.unlink()
        return "it holds the text of a POTCAR"
    return ""


def _copy_outcar(lines: TextIO, kept: TextIO) -> None:
    kept.writelines(without_potcar(lines))


def without_potcar(lines: Iterator[str] | TextIO) -> Iterator[str]:
    """Yield the lines of an OUTCAR without those that describe POTCARs' inside."""
    within = False
    for line in lines:
        if line.startswith(" POTCAR:"):
            within = True
        elif within and END_OF_POTCARS.search(line):
            within = False
        if not within or KEPT.search(line):
            yield line


def _is_licensed(path: Path) -> bool:
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            if LICENSED.search(tail + chunk):
                return True
            tail = chunk[-64:]
    return False


def _copy_hdf5(source: Path, target: Path) -> str:
    """Copy a file into a new one: what is only unlinked stays in it."""
    try:
        import h5py
    except ImportError:
        return "h5py, which takes the POTCAR out of it, is not installed"
    try:
        with h5py.File(source) as old, h5py.File(target, "w") as new:
            _copy_group(old, new, "")
    except OSError as error:
        target.unlink(missing_ok=True)
        return f"it cannot be read: {error}"
    return ""


def _copy_group(old: Any, new: Any, path: str) -> None:
    import h5py

    for name, value in old.attrs.items():
        new.attrs[name] = value
    for name in old:
        inner = f"{path}/{name}"
        if "potcar" in inner.lower():
            continue
        if isinstance(old[name], h5py.Group):
            _copy_group(old[name], new.create_group(name), inner)
        else:
            old.copy(name, new)
