"""INCAR: tags as VASP reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ionface.errors import InputError

_INTEGERS = """
IBRION NSW ISIF NELM NELMIN NELMDL ISPIN ISMEAR ISYM NBLOCK KBLOCK MDALGO NCORE
NPAR KPAR NSIM ISTART ICHARG LORBIT NEDOS NBANDS IVDW IDIPOL MAXMIX LMAXMIX
IALGO IWAVPR NWRITE NFREE IMIX INIWAV NGX NGY NGZ NGXF NGYF NGZF LDAUTYPE
LDAUPRINT ISEARCH MAXMEM NBLOCK_FOCK IOPT
"""
_FLOATS = """
ENCUT ENMAX EDIFF EDIFFG POTIM TEBEG TEEND SMASS SIGMA KSPACING PSTRESS AMIX
BMIX AMIX_MAG BMIX_MAG AMIN ENAUG NELECT NUPDOWN TIME SYMPREC EMIN EMAX AEXX
HFSCREEN ANDERSEN_PROB EPSILON WC SCALEE APACO
"""
_LOGICALS = """
LWAVE LCHARG LDIPOL LASPH ADDGRID LVTOT LVHAR LELF KGAMMA LDAU LHFCALC LVDW
LUSE_VDW LSCALU LPLANE LSORBIT LNONCOLLINEAR LAECHG LMONO LCORR ML_LMLFF
LCHIMAG LEPSILON LOPTICS LSCALAPACK LDIAG LCALCPOL LH5
"""
_LISTS = """
MAGMOM DIPOL LANGEVIN_GAMMA LDAUU LDAUJ LDAUL RWIGS ROPT LATTICE_CONSTRAINTS
RANDOM_SEED SAXIS EINT IBAND KPUSE QUAD_EFG
"""
INTEGERS, FLOATS, LOGICALS, LISTS = (
    frozenset(names.split()) for names in (_INTEGERS, _FLOATS, _LOGICALS, _LISTS)
)


def parse(text: str) -> dict[str, str]:
    """Return the tags of an INCAR with their values as text.

    Comments start with # or !, several tags share a line with semicolons, and a
    backslash continues a line. As in VASP the first of two equal tags counts.

    Args:
        text: of the file.
    """
    tags: dict[str, str] = {}
    joined = re.sub(r"\\[ \t]*\n", " ", text.replace("\r\n", "\n"))
    for line in joined.split("\n"):
        for part in re.split(r"[#!]", line, maxsplit=1)[0].split(";"):
            name, equals, value = part.partition("=")
            if equals and name.strip():
                tags.setdefault(name.strip().upper(), value.strip().strip('"').strip())
    return tags


def read(path: Path) -> dict[str, Any]:
    """Return the tags of a file with typed values.

    Raises:
        InputError: there is no file, or a value does not fit its tag.
    """
    try:
        text = path.read_text(errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path.name}: {error.strerror}") from error
    return {name: typed(name, value) for name, value in parse(text).items()}


def typed(name: str, text: str) -> Any:
    """Return a value as int, float, bool, list or text, by its tag.

    Raises:
        InputError: in VASP's words, which tell custodian.
    """
    words = text.split()
    try:
        if name in LISTS:
            return _expanded(words)
        if name in INTEGERS:
            return int(_number(words[0]))
        if name in FLOATS:
            return _number(words[0])
        if name in LOGICALS:
            return _logical(words[0])
    except (ValueError, IndexError) as error:
        raise InputError(
            f" Error reading item '{name}' from file INCAR.\n Error code was IERR= 5 "
            f"({text!r} is no value for it)"
        ) from error
    return _guessed(text)


def _guessed(text: str) -> Any:
    for convert in (int, _number, _dotted):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _number(word: str) -> float:
    return float(re.sub(r"[dD]", "E", word))


def _logical(word: str) -> bool:
    letter = word.lstrip(".")[:1].upper()
    if letter not in ("T", "F"):
        raise ValueError(word)
    return letter == "T"


def _dotted(word: str) -> bool:
    if word.upper() not in (".TRUE.", ".FALSE.", "T", "F"):
        raise ValueError(word)
    return _logical(word)


def _expanded(words: list[str]) -> list[Any]:
    """Return a list in which 3*0.5 stands for three numbers."""
    found: list[Any] = []
    for word in words:
        times, star, value = word.rpartition("*")
        found += [_guessed(value)] * (int(times) if star else 1)
    return found


def text(tags: Mapping[str, Any]) -> str:
    """Return an INCAR."""
    return "".join(f"{name} = {in_words(value)}\n" for name, value in tags.items())


def in_words(value: Any) -> str:
    """Return a value as VASP reads it."""
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list | tuple):
        return " ".join(in_words(item) for item in value)
    return str(value)
