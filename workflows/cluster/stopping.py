"""How a running job is asked to end: STOPCAR for VASP, an exception for the rest.

SIGUSR1, SIGUSR2 and SIGXCPU come early, with time to finish a step (LSTOP). SIGTERM is
the last word of a queue: the step in flight is given up (LABORT), and what still runs
after the grace is ended. The wall time that this process knows itself acts as SIGUSR1.

A signal only leaves a mark here, so that it never falls into the middle of FireWorks'
bookkeeping. What computes in this process looks at the mark whenever it reports
progress, between two steps.
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

import psutil

from ionface.workflows.engines import progress

EARLY = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
LAST = (signal.SIGTERM, signal.SIGINT)
SOFT = "LSTOP = .TRUE.\n"
HARD = "LABORT = .TRUE.\n"


class Stopped(BaseException):
    """The job was asked to end; no library on the way up takes it for its own error."""


class Stopper:
    """Turns signals and the wall time into an orderly end.

    Args:
        grace_s: after the last word until what runs is ended, s.
        deadline: when to ask by itself, on time.monotonic's clock; None for never.
    """

    def __init__(self, grace_s: float, deadline: float | None = None) -> None:
        self.grace_s, self.deadline = grace_s, deadline
        self.reason: str | None = None
        self._timers: list[threading.Timer] = []

    @contextmanager
    def watching(self) -> Iterator[Stopper]:
        """Take the signals of this process."""
        numbers = (*EARLY, *LAST)
        before = {number: signal.signal(number, self._receive) for number in numbers}
        if self.deadline is not None:
            self._after(self.deadline - time.monotonic(), self._time_is_over)
        try:
            with progress.listening(self._between_steps):
                yield self
        finally:
            for timer in self._timers:
                timer.cancel()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _between_steps(self, done: int, total: int | None, note: str) -> None:
        del done, total, note
        if self.reason is not None:
            raise Stopped(self.reason)

    def _after(self, seconds: float, action: object) -> None:
        timer = threading.Timer(max(0.0, seconds), action)  # type: ignore[arg-type]
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def _time_is_over(self) -> None:
        self.reason = self.reason or "the wall time is nearly over"
        os.kill(os.getpid(), signal.SIGUSR1)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.reason = self.reason or f"asked by {signal.Signals(number).name}"
        last = number in LAST
        for folder in {folder for _, folder in vasp_runs()}:
            with suppress(OSError):  # a full disk must not keep us from ending
                (folder / "STOPCAR").write_text(HARD if last else SOFT)
        if last:
            self._after(self.grace_s, end_programs)


def vasp_runs() -> list[tuple[psutil.Process, Path]]:
    """Return the programs below this process that work where an INCAR is."""
    runs = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):
            folder = Path(process.cwd())
            if (folder / "INCAR").is_file():
                runs.append((process, folder))
    return runs


def end_programs(patience_s: float = 2.0) -> None:
    """End VASP and what started it below this process, kindly first."""
    end([process for process, _ in vasp_runs()], patience_s)


def end(processes: list[psutil.Process], patience_s: float = 2.0) -> None:
    """End processes, kindly first.

    Their exit status is left to whoever started them: psutil's own waiting takes it.
    """
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    until = time.monotonic() + patience_s
    while any(map(_lives, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    for process in filter(_lives, processes):
        with suppress(psutil.Error):
            process.kill()


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def end_orphans(folder: Path) -> None:
    """End what a killed worker has left running in a job's folder on this machine.

    Queues do so themselves, unless they cannot track the processes of a job. Only for
    a folder whose lock nobody holds: what runs there then belongs to nobody.
    """
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    orphans = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            ours = process.uids().real == os.getuid() and process.pid not in mine
            if ours and folder in Path(process.cwd()).parents:
                orphans.append(process)
    end(orphans)
