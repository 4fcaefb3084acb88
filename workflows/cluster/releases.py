"""The versions that must agree between login and compute nodes."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

COMPARED = ("ionface", "jobflow", "FireWorks", "atomate2", "pymatgen", "custodian")


@cache
def versions() -> dict[str, str]:
    """Return them as installed here."""
    found = {}
    for name in COMPARED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
