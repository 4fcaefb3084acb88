"""What other installed packages add: entry points, looked for once per search path."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points


def installed(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, e.g. "ionface.engines".

    Looking through all installed packages takes 0.1 s, and every job asks.
    """
    return _installed(group, tuple(sys.path))


@cache
def _installed(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    del path  # packages are found along it: another path, another answer
    return tuple(entry_points(group=group))
