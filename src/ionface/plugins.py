"""What other installed packages add: entry points, looked for once per search path."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ionface.errors import IonfaceError


def installed(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, e.g. "ionface.engines".

    Looking through all installed packages takes 0.1 s, and every job asks.
    """
    return _installed(group, tuple(sys.path))


@cache
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    del path  # packages are found along it: another path, another answer
    return tuple(entry_points(group=group))


def added(group: str) -> list[EntryPoint]:
    """Return the entry points of a group that other packages bring, by their names."""
    others = [each for each in installed(group) if added_by(each) != "ionface"]
    return sorted(others, key=lambda entry: entry.name)


def added_by(entry: EntryPoint) -> str:
    """Return the name of the package that brings an entry point."""
    return entry.dist.name if entry.dist else "a package"


def loaded(entry: EntryPoint) -> Any:
    """Return what an entry point names.

    Raises:
        IonfaceError: it cannot be imported; names the package that brings it.
    """
    try:
        return entry.load()
    except Exception as error:  # another's code: it may fail in any way
        raise IonfaceError(
            f"{added_by(entry)} adds {entry.name!r} to {entry.group}, which cannot be "
            f"imported ({type(error).__name__}: {error}); mend or uninstall it"
        ) from error
