"""INCAR: its tags as VASP reads them.

pymatgen's Incar reads them, too, but importing it takes longer than reading most runs.
"""

from __future__ import annotations

import re


def parse_incar(text: str) -> dict[str, str]:
    """Return the tags of an INCAR, in capitals, with their values as text.

    Comments start with # or !, several tags share a line with semicolons, and a
    backslash continues a line. As in VASP the first of two equal tags counts.
    """
    tags: dict[str, str] = {}
    joined = re.sub(r"\\[ \t]*\n", " ", text.replace("\r\n", "\n"))
    for line in joined.split("\n"):
        for assignment in re.split(r"[#!]", line, maxsplit=1)[0].split(";"):
            name, equals, value = assignment.partition("=")
            if equals and name.strip():
                tags.setdefault(name.strip().upper(), value.strip().strip('"').strip())
    return tags
