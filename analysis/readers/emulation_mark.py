"""The mark in outputs of the stand-in for VASP, and how to find it."""

from __future__ import annotations

import re
from pathlib import Path

from ionface.analysis.readers.text import BROKEN_STREAM, open_binary, plain_name
from ionface.errors import AnalysisError

EMULATED_MARK = "emulated by ionface"
HEAD = 4000  # bytes in which a vasprun.xml has its header
ENDINGS = ("", ".gz", ".bz2", ".xz")


def emulated_model(directory: Path | str) -> str | None:
    """Return the model behind a directory's outputs, or None if VASP made them.

    Args:
        directory: with vasprun.xml or OUTCAR, plain or compressed; or such a file.
    """
    path = Path(directory)
    if path.is_file():
        return _model(path)
    for name in ("vasprun.xml", "OUTCAR"):
        for ending in ENDINGS:
            file = path / (name + ending)
            if file.is_file() and (found := _model(file)):
                return found
    return None


def _model(path: Path) -> str | None:
    try:
        with open_binary(path) as stream:
            head = stream.read(HEAD).decode("utf-8", errors="replace")
    except (AnalysisError, *BROKEN_STREAM):
        return None
    if plain_name(path).startswith("vasprun"):
        head = head.partition("</generator>")[0]
    else:
        head = head.partition("\n")[0]
    return marked_model(head)


def marked_model(text: str) -> str | None:
    """Return the model that a mark in a text names, None if there is no mark."""
    found = re.search(re.escape(EMULATED_MARK) + r" \((.*)\)", text)
    return found[1] if found else None
