"""How a running job is asked to end: STOPCAR for VASP, an exception for the rest.

SIGUSR1, SIGUSR2 and SIGXCPU come early, with time to finish a step (LSTOP). SIGTERM is
the last word of a queue: the step in flight is given up (LABORT), and what still runs
after the grace is ended. The wall time that this process knows itself acts as SIGUSR1.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ionface.workflows.cluster import processes

EARLY = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
LAST = (signal.SIGTERM, signal.SIGINT)
SOFT = "LSTOP = .TRUE.\n"
HARD = "LABORT = .TRUE.\n"


class Stopped(BaseException):
    """The job was asked to end; no library on the way up takes it for its own error."""


class Stopper:
    """Turns signals and the wall time into an orderly end.

    Args:
        grace_s: after the last word until what runs is ended.
        deadline: when to ask by itself, on time.monotonic's clock; None for never.
    """

    def __init__(self, grace_s: float, deadline: float | None = None) -> None:
        self.grace_s, self.deadline = grace_s, deadline
        self.reason: str | None = None
        self.last = False
        self.folder: Path | None = None
        self._timers: list[threading.Timer] = []

    @contextmanager
    def watching(self) -> Iterator[Stopper]:
        """Take the signals of this process."""
        numbers = (*EARLY, *LAST)
        before = {number: signal.signal(number, self._heard) for number in numbers}
        if self.deadline is not None:
            self._later(self.deadline - time.monotonic(), signal.SIGUSR1)
        try:
            yield self
        finally:
            for timer in self._timers:
                timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def working_in(self, folder: Path) -> Iterator[None]:
        """Let a stop reach the work in a folder."""
        self.folder = folder
        try:
            if self.reason is not None:
                raise Stopped(self.reason)
            yield
        finally:
            self.folder = None

    def _later(self, seconds: float, number: int) -> None:
        def send() -> None:
            self.reason = self.reason or "the wall time is nearly over"
            os.kill(os.getpid(), number)

        timer = threading.Timer(max(0.0, seconds), send)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        del frame
        last = number in LAST
        self.reason = self.reason or f"asked by {signal.Signals(number).name}"
        again, self.last = self.last and last, self.last or last
        if self.folder is None or again:
            return
        runs = working_below(self.folder)
        if not runs:
            raise Stopped(self.reason)
        for folder in {folder for _, folder in runs}:
            with suppress(OSError):  # a full disk must not keep us from ending
                (folder / "STOPCAR").write_text(HARD if last else SOFT)
        if last:
            timer = threading.Timer(self.grace_s, self._end)
            timer.daemon = True
            timer.start()
            self._timers.append(timer)

    def _end(self) -> None:
        if self.folder is not None:
            processes.end([pid for pid, _ in working_below(self.folder)])


def working_below(folder: Path) -> list[tuple[int, Path]]:
    """Return our own programs in the folders below one, with where each works.

    Threads of this process do not count: a potential computes within it.
    """
    found = []
    for pid in processes.descendants(os.getpid()):
        where = processes.working_folder(pid)
        if where is not None and where != folder and where.is_relative_to(folder):
            found.append((pid, where))
    return found
