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


def loaded(entry: EntryPoint) -> Any:
    """Return what an entry point names.

    Raises:
        IonfaceError: it cannot be imported; names the package that brings it.
    """
    try:
        return entry.load()
    except Exception as error:  # another's code: it may fail in any way
        package = entry.dist.name if entry.dist else "a package"
        raise IonfaceError(
            f"{package} adds {entry.name!r} to {entry.group}, which cannot be imported "
            f"({type(error).__name__}: {error}); mend or uninstall it"
        ) from error
