"""Progress that a long computation reports without knowing who listens.

`report(done, total, note)` is free when nobody listens: on a cluster node, in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int, int | None, str], None]


def _nobody(done: int, total: int | None, note: str) -> None:
    del done, total, note


_listener: ContextVar[Listener] = ContextVar("listener", default=_nobody)


def report(done: int, total: int | None, note: str = "") -> None:
    """Tell the listener how far the current job is.

    Args:
        done: steps finished.
        total: steps in all; None where the end is not known (a relaxation).
        note: a few words, such as the largest force.
    """
    _listener.get()(done, total, note)


def counter(total: int, note: str = "") -> Callable[[int], None]:
    """Return a function that adds to a count and reports it.

    Args:
        total: of the count.
        note: a few words about what is counted.
    """
    done = 0

    def add(number: int) -> None:
        nonlocal done
        done += number
        report(min(done, total), total, note)

    return add


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send all reports of the enclosed work to a listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
