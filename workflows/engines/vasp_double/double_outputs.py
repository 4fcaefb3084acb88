"""All files of a run, written together and flushed after every step."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TextIO

from ionface.workflows.engines.vasp_double.double_motion import Motion
from ionface.workflows.engines.vasp_double.double_run import Clock, Run, Step
from ionface.workflows.engines.vasp_double.electrons import ScfStep
from ionface.workflows.engines.vasp_double.kpoints_reader import ibzkpt_text
from ionface.workflows.engines.vasp_double.marks import VERSION, mark
from ionface.workflows.engines.vasp_double.oszicar import (
    HEADER,
    electronic_line,
    ionic_line,
)
from ionface.workflows.engines.vasp_double.outcar_writer import OutcarWriter
from ionface.workflows.engines.vasp_double.poscar_reader import geometry_text
from ionface.workflows.engines.vasp_double.stopcar import Stop
from ionface.workflows.engines.vasp_double.vasprun_writer import VasprunWriter
from ionface.workflows.engines.vasp_double.xdatcar_writer import XdatcarWriter

UNCONVERGED = (
    " The electronic self-consistency was not achieved in the given number of steps "
    "(NELM).\n"
)


@dataclass
class Outputs:
    """The open files of a run.

    Args:
        run: its inputs.
        overflow: print asterisks where large integers overflow.
        merge: let columns of XDATCAR merge.
        console: standard output.
    """

    run: Run
    overflow: bool = False
    merge: bool = False
    console: TextIO = field(default_factory=lambda: sys.stdout)

    def __post_init__(self) -> None:
        """Open them all and write what is known before the first step."""
        folder = self.run.folder
        self.clock = Clock()
        self.say(_greeting(self.run))
        self.outcar = OutcarWriter(folder / "OUTCAR", self.run, overflow=self.overflow)
        self.vasprun = VasprunWriter(
            folder / "vasprun.xml", self.run, overflow=self.overflow
        )
        self.xdatcar = XdatcarWriter(
            folder / "XDATCAR", self.run, overflow=self.overflow, merge=self.merge
        )
        self.oszicar = (folder / "OSZICAR").open("w")
        (folder / "IBZKPT").write_text(ibzkpt_text(self.run.k_points))
        for name in ("CHG", "CHGCAR", "WAVECAR"):
            (folder / name).touch()

    def say(self, text: str) -> None:
        """Print at once."""
        self.console.write(text)
        self.console.flush()

    def begin(self, number: int) -> None:
        """Start an ionic step."""
        self.outcar.begin(number)
        self.vasprun.begin()
        self._log(HEADER)

    def electronic(self, steps: Iterable[ScfStep]) -> list[ScfStep]:
        """Write electronic steps as they come."""
        done: list[ScfStep] = []
        for step in steps:
            cpu_s, _ = self.clock.lap() if not done else (0.0, 0.0)
            self.outcar.electronic(step, cpu_s)
            self.vasprun.electronic(step, cpu_s)
            self._log(electronic_line(step, self.run.settings))
            done.append(step)
        return done

    def ionic(self, step: Step, motion: Motion) -> None:
        """End an ionic step."""
        if not step.converged:
            self.say(UNCONVERGED)
        self.outcar.ionic(step)
        self.vasprun.ionic(step)
        self.xdatcar.ionic(step)
        self._log(ionic_line(step, self.run.settings))
        (self.run.folder / "CONTCAR").write_text(motion.contcar(step.last))

    def stopped(self, stop: Stop) -> None:
        """Say that STOPCAR was obeyed."""
        self.outcar.note(stop.value)
        self.say(f" {stop.value}\n")

    def reached(self) -> None:
        """Say that the ions have settled."""
        text = "reached required accuracy - stopping structural energy minimisation"
        self.outcar.note(text)
        self.say(f" {text}\n")

    def close(self, motion: Motion) -> None:
        """End all files."""
        self.vasprun.close(*motion.final())
        self.outcar.close(*self.clock.total())
        self.xdatcar.close()
        self.oszicar.close()
        placeholders(self.run)
        self.say(" writing wavefunctions\n")

    def _log(self, text: str) -> None:
        self.oszicar.write(text)
        self.oszicar.flush()
        self.say(text)


def placeholders(run: Run) -> None:
    """Write WAVECAR and CHGCAR where they are asked for: a mark, and no numbers."""
    told = mark(run.model)
    tags = run.settings.tags
    if tags.get("LWAVE", True):
        (run.folder / "WAVECAR").write_bytes(f"{told}\n".encode())
    if tags.get("LCHARG", True):
        text = geometry_text(run.poscar).partition("\n")[2]
        grid = "\n    1    1    1\n"
        value = f" {run.settings.n_electrons:.11E}\n"
        for name in ("CHGCAR", "CHG"):
            (run.folder / name).write_text(f"{told[:40]:40}\n{text}{grid}{value}")


def _greeting(run: Run) -> str:
    symbols = "".join(f" {symbol:2}" for symbol in run.poscar.symbols)
    return (
        " running    1 mpi-ranks, with    1 threads/rank, on    1 nodes\n"
        f" vasp.{VERSION} {mark(run.model)}\n"
        f" POSCAR found type information on POSCAR:{symbols}\n"
        f" POSCAR found :{len(run.poscar.symbols):3d} types and "
        f"{sum(run.poscar.counts):8d} ions\n"
        " POSCAR, INCAR and KPOINTS ok, starting setup\n"
        " entering main loop\n"
    )
