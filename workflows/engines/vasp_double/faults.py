"""Faults on demand, for rehearsing what custodian and the flows do about them.

    kill:N        killed (SIGKILL) within step N
    hang:N        writes nothing more from step N on, and does not end
    slow:S        every step takes S seconds longer
    scf:N         the electrons of step N (or "all" steps) do not converge within NELM
    truncate      vasprun.xml ends in the middle
    torn-contcar:N  killed while CONTCAR of step N is written
    merge         columns of XDATCAR merge
    stars         integers overflow to asterisks
    full-disk:N   the disk is full when OUTCAR of step N is written
    NAME:N        one of `MESSAGES` at step N, as in zbrent:2

A fault strikes once per folder: a marker file tells a rerun to go on. With one folder
of markers for all runs it strikes once in all of them. NAME! strikes every time. slow
always does.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ionface.errors import InputError


class CrashError(Exception):
    """VASP stopped itself; its message is printed already."""


MESSAGES = {
    "brmix": "BRMIX: very serious problems\n  the old and the new charge density differ"
    "\n  old charge density:  100.00000 new  100.00100",
    "edddav": "Error EDDDAV: Call to ZHEGV failed. Returncode =   8 1  16",
    "eddrmm": "WARNING in EDDRMM: call to ZHEGV failed, returncode =   6  3  10",
    "out_of_memory": "Allocation would exceed memory limit",
    "pricel": "internal error in subroutine PRICEL (probably precision)",
    "subspacematrix": "WARNING: Sub-Space-Matrix is not hermitian in DAV            4",
    "too_few_bands": "TOO FEW BANDS!!",
    "zbrent": "ZBRENT: fatal error in bracketing\n      please rerun with smaller EDIFF"
    ", or copy CONTCAR\n      to POSCAR and continue",
    "zpotrf": "LAPACK: Routine ZPOTRF failed!",
}
"""What VASP prints, by custodian's name of the error."""
WARNINGS = ("brmix", "eddrmm", "subspacematrix", "too_few_bands")
"""Messages after which VASP goes on."""
ON_STDERR = ("out_of_memory",)
OWN = (
    "kill", "hang", "slow", "scf", "truncate", "torn-contcar", "merge", "stars",
    "full-disk",
)  # fmt: skip
EVERY = "all"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: one of `OWN`, or of `MESSAGES`.
        argument: text after the colon.
        always: no marker is kept.
    """

    name: str
    argument: str = ""
    always: bool = False

    @property
    def step(self) -> int:
        """Return the ionic step at which it strikes."""
        return int(self.argument) if self.argument.isdigit() else 1

    @property
    def marker(self) -> str:
        """Return the file that tells that it has struck."""
        return f".ionface-fault-{self.name}"


def parse(text: str) -> list[Fault]:
    """Return faults from a text as in "kill:3" or "zbrent,slow:0.1".

    Raises:
        InputError: a name is unknown, or its argument is no number.
    """
    faults = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, _, argument = word.partition(":")
        fault = Fault(name.rstrip("!"), argument.rstrip("!"), word.endswith("!"))
        _check(fault)
        faults.append(fault)
    return faults


def _check(fault: Fault) -> None:
    known = sorted([*OWN, *MESSAGES])
    if fault.name not in known:
        raise InputError(f"unknown fault {fault.name!r}; known are {', '.join(known)}")
    argument = fault.argument
    if fault.name == "scf" and argument == EVERY:
        return
    if fault.name == "slow":
        argument = argument.replace(".", "", 1)
    if argument and not argument.isdigit():
        raise InputError(
            f"fault {fault.name}:{fault.argument}: a number is wanted after the colon"
        )


class Faults:
    """The faults of one run.

    Args:
        folder: of the run.
        faults: to strike.
        console: where VASP's messages go.
        errors: standard error.
        marks: where markers are kept; in the run's folder if None.
    """

    def __init__(
        self,
        folder: Path,
        faults: Iterable[Fault],
        console: TextIO,
        errors: TextIO,
        marks: Path | None = None,
    ) -> None:
        self.folder, self.console, self.errors = folder, console, errors
        self.marks = marks or folder
        self.armed = {
            fault.name: fault
            for fault in faults
            if fault.always
            or fault.name == "slow"
            or not (self.marks / fault.marker).exists()
        }

    def has(self, name: str) -> bool:
        """Tell whether a fault that shapes the outputs is on; it has struck then."""
        fault = self.armed.get(name)
        if fault is not None:
            self._mark(fault)
        return fault is not None

    def converges(self, number: int) -> bool:
        """Tell whether the electrons of a step converge."""
        fault = self.armed.get("scf")
        if fault is None or (fault.argument != EVERY and fault.step != number):
            return True
        self._mark(fault)
        return False

    def within(self, number: int) -> None:
        """Strike within an ionic step, before its energy is known.

        Raises:
            CrashError: a message after which VASP stops.
        """
        if (slow := self.armed.get("slow")) is not None:
            time.sleep(float(slow.argument or 1))
        if self._due("hang", number):
            time.sleep(1e9)
        if self._due("kill", number):
            os.kill(os.getpid(), signal.SIGKILL)
        for name in [name for name in self.armed if name in MESSAGES]:
            if self._due(name, number):
                self._complain(name)

    def disk(self, number: int, outcar: TextIO) -> None:
        """Let the disk be full: OUTCAR ends within a line.

        Raises:
            OSError: no space left.
        """
        if self._due("full-disk", number):
            outcar.write("  free energy    TOT")
            outcar.flush()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "OUTCAR")

    def torn(self, number: int, contcar: Path) -> None:
        """Be killed while CONTCAR is written."""
        if self._due("torn-contcar", number):
            whole = contcar.read_bytes()
            contcar.write_bytes(whole[: 2 * len(whole) // 3])
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self) -> None:
        """Strike when all is written."""
        if self.has("truncate"):
            path = self.folder / "vasprun.xml"
            os.truncate(path, 7 * path.stat().st_size // 10)

    def _complain(self, name: str) -> None:
        stream = self.errors if name in ON_STDERR else self.console
        stream.write(f" {MESSAGES[name]}\n")
        stream.flush()
        if name not in WARNINGS:
            raise CrashError(MESSAGES[name])

    def _due(self, name: str, number: int) -> bool:
        fault = self.armed.get(name)
        if fault is None or fault.step != number:
            return False
        self._mark(fault)
        if not fault.always:
            del self.armed[name]
        return True

    def _mark(self, fault: Fault) -> None:
        if not fault.always:
            (self.marks / fault.marker).touch()
