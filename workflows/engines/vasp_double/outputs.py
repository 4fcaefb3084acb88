"""All files of a run, written together and flushed after every step.

OSZICAR, XDATCAR, CONTCAR and the placeholders are written here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TextIO

from ionface.workflows.engines.vasp_double.electrons import ScfStep
from ionface.workflows.engines.vasp_double.fortran import (
    exponential,
    fixed,
    integer,
    rows,
)
from ionface.workflows.engines.vasp_double.geometry import (
    FloatArray,
    geometry_text,
    xdatcar_header,
)
from ionface.workflows.engines.vasp_double.inputs import VERSION, Run
from ionface.workflows.engines.vasp_double.outcar import OutcarWriter
from ionface.workflows.engines.vasp_double.settings import Settings
from ionface.workflows.engines.vasp_double.steps import Step
from ionface.workflows.engines.vasp_double.vasprun import VasprunWriter

OSZICAR_HEADER = (
    "       N       E                     dE             d eps       ncg     rms"
    "          rms(c)\n"
)
ALGORITHMS = {"v": "RMM", "f": "RMM", "a": "CG ", "d": "SDA", "c": "CG "}
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
        self._print(_greeting(self.run))
        self.outcar = OutcarWriter(folder / "OUTCAR", self.run, overflow=self.overflow)
        self.vasprun = VasprunWriter(
            folder / "vasprun.xml", self.run, overflow=self.overflow
        )
        self.xdatcar = (folder / "XDATCAR").open("w")
        self._cell_of_xdatcar(self.run.poscar.lattice)
        self.oszicar = (folder / "OSZICAR").open("w")
        for name in ("CHG", "CHGCAR", "WAVECAR"):
            (folder / name).touch()

    def begin(self, number: int) -> None:
        """Start an ionic step."""
        self.outcar.ionic_number = number
        self.vasprun.begin()
        self._log(OSZICAR_HEADER)

    def electronic(self, steps: Iterable[ScfStep]) -> ScfStep | None:
        """Write electronic steps as they come; return the last one."""
        step = None
        for step in steps:
            self.outcar.electronic(step)
            self.vasprun.electronic(step)
            self._log(electronic_line(step, self.run.settings))
        return step

    def ionic(self, step: Step, contcar: str) -> None:
        """End an ionic step."""
        if not step.converged:
            self._print(UNCONVERGED)
        self.outcar.ionic(step)
        self.vasprun.ionic(step)
        if step.number % self.run.settings.tags["NBLOCK"] == 0:
            self._frame(step)
        self._log(ionic_line(step, self.run.settings))
        (self.run.folder / "CONTCAR").write_text(contcar)

    def say(self, text: str) -> None:
        """Tell OUTCAR and the console why the run ends."""
        self.outcar.note(text)
        self._print(f" {text}\n")

    def close(
        self,
        lattice: FloatArray,
        fractional: FloatArray,
        velocities: FloatArray | None,
        *,
        cpu_wall_s: tuple[float, float],
    ) -> None:
        """End all files.

        Args:
            lattice: that vasprun.xml ends with, Å, shape (3, 3).
            fractional: positions, shape (n_atoms, 3).
            velocities: in fractions per step, shape (n_atoms, 3), or None.
            cpu_wall_s: seconds that the run took.
        """
        self.vasprun.close(lattice, fractional, velocities)
        self.outcar.close(*cpu_wall_s)
        self.xdatcar.close()
        self.oszicar.close()
        _placeholders(self.run)
        self._print(" writing wavefunctions\n")

    def _cell_of_xdatcar(self, lattice: FloatArray) -> None:
        poscar = replace(self.run.poscar, lattice=lattice)
        self.xdatcar.write(xdatcar_header(poscar, self.run.settings.tags["SYSTEM"]))

    def _frame(self, step: Step) -> None:
        """Add a frame to XDATCAR; a cell that moves repeats its header."""
        if self.run.settings.relaxes_cell and step.number > 1:
            self._cell_of_xdatcar(step.lattice)
        label = "******" if self.overflow else integer(step.number, 6)
        # eleven cells lower, F12.8 leaves no blank before the number
        places = step.fractional - [0.0, 11.0 * self.merge, 0.0]
        self.xdatcar.write(f"Direct configuration={label}\n")
        self.xdatcar.write(rows(places, 12, 8, lead=" "))
        self.xdatcar.flush()

    def _log(self, text: str) -> None:
        self.oszicar.write(text)
        self.oszicar.flush()
        self._print(text)

    def _print(self, text: str) -> None:
        self.console.write(text)
        self.console.flush()


def electronic_line(step: ScfStep, settings: Settings) -> str:
    """Return OSZICAR's line of an electronic step."""
    algorithm = str(settings.given.get("ALGO", "Normal"))[:1].lower()
    charge = "" if step.rms_charge is None else exponential(step.rms_charge, 13, 3)
    change = exponential(step.change, 15, 5)
    return (
        f"{ALGORITHMS.get(algorithm, 'DAV')}: {step.number:3d}  "
        f"{exponential(step.energy, 20, 12)}{change}{change}"
        f"{2 * settings.tags['NBANDS']:6d}{exponential(step.rms, 12, 3)}{charge}\n"
    )


def ionic_line(step: Step, settings: Settings) -> str:
    """Return OSZICAR's line that ends an ionic step."""
    energy = exponential(step.point.energy, 14, 8)
    magnetic = f"  mag={fixed(0.0, 11, 4)}" if settings.tags["ISPIN"] == 2 else ""
    if step.thermo is None:
        change = exponential(step.change, 12, 6)
        number = integer(step.number, 4)
        return f"{number} F= {energy} E0= {energy}  d E ={change}{magnetic}\n"
    t = step.thermo
    total = exponential(t.total(step.point.energy), 14, 8)
    return (
        f"{integer(step.number, 7)} T= {fixed(t.temperature, 5, 0)}. E= {total} "
        f"F= {energy} E0= {energy}  EK= {exponential(t.kinetic, 11, 5)} "
        f"SP= {exponential(t.nosepot, 8, 2)} SK= {exponential(t.nosekinetic, 8, 2)}"
        f"{magnetic}\n"
    )


def _placeholders(run: Run) -> None:
    """Write WAVECAR and CHGCAR where they are asked for: a mark, and no numbers."""
    tags = run.settings.tags
    if tags["LWAVE"]:
        (run.folder / "WAVECAR").write_bytes(f"{run.mark}\n".encode())
    if tags["LCHARG"]:
        text = geometry_text(run.poscar).partition("\n")[2]
        grid = f"\n    1    1    1\n {tags['NELECT']:.11E}\n"
        for name in ("CHGCAR", "CHG"):
            (run.folder / name).write_text(f"{run.mark[:40]:40}\n{text}{grid}")


def _greeting(run: Run) -> str:
    symbols = "".join(f" {symbol:2}" for symbol in run.poscar.symbols)
    return (
        " running    1 mpi-ranks, with    1 threads/rank, on    1 nodes\n"
        f" vasp.{VERSION} {run.mark}\n"
        f" POSCAR found type information on POSCAR:{symbols}\n"
        f" POSCAR found :{len(run.poscar.symbols):3d} types and "
        f"{sum(run.poscar.counts):8d} ions\n"
        " POSCAR, INCAR and KPOINTS ok, starting setup\n"
        " entering main loop\n"
    )
