"""OUTCAR, growing step by step: the sections that people and parsers look for."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import numpy as np

from ionface.workflows.engines.vasp_double.double_run import Run, Step
from ionface.workflows.engines.vasp_double.electrons import FERMI, ScfStep, bands
from ionface.workflows.engines.vasp_double.fortran import exponential, fixed, integer
from ionface.workflows.engines.vasp_double.outcar_head import (
    GAP,
    RULE,
    dimensions,
    head,
    k_points,
    lattice_table,
    parameters,
    plane_waves,
)
from ionface.workflows.engines.vasp_double.vasprun_writer import KBAR

LINE = " " + "-" * 83
VOIGT = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))


class OutcarWriter:
    """Writes the file step by step.

    Args:
        path: of the file.
        run: its inputs.
        overflow: print asterisks where VASP's integers overflow.
    """

    def __init__(self, path: Path, run: Run, *, overflow: bool = False) -> None:
        self.run = run
        self.stream: TextIO = path.open("w")
        self.ionic_number = 0
        self._put(head(run))
        self._put(dimensions(run, overflow))
        self._put(parameters(run))
        self._put(lattice_table(run.poscar.lattice, run.settings.encut))
        self._put(k_points(run))
        self._put(plane_waves(run))
        self.stream.flush()

    def begin(self, number: int) -> None:
        """Start an ionic step."""
        self.ionic_number = number

    def electronic(self, step: ScfStep, seconds: float) -> None:
        """Add an electronic step."""
        title = f" Iteration {integer(self.ionic_number, 6)}({step.number:4d})  "
        energy, change = fixed(step.energy, 18, 8), exponential(step.change, 14, 7)
        self._put(
            f"{'-' * 39}{title}{'-' * 39}\n\n\n"
            f"{_timing('LOOP', seconds, seconds)}\n"
            f" eigenvalue-minimisations  :{self.run.settings.n_bands * 2:6d}\n"
            f" total energy-change (2. order) :{change}  ({change})\n"
            f" number of electron {self.run.settings.n_electrons:15.7f} magnetization "
            f"{'0.0000000' if self.run.settings.ispin == 2 else ''}\n"
            f" augmentation part  {0.0:15.7f} magnetization \n\n"
            " Free energy of the ion-electron system (eV)\n"
            "  ---------------------------------------------------\n"
            f"  free energy    TOTEN  ={energy} eV\n\n"
            f"  energy without entropy ={energy}  energy(sigma->0) ={energy}\n\n\n"
            f"{RULE}{GAP}"
        )
        self.stream.flush()

    def ionic(self, step: Step) -> None:
        """Add what follows the electronic steps."""
        s = self.run.settings
        if not step.converged:
            self._put(_warning(s.nelm))
        else:
            self._put(
                "\n----------- aborting loop because EDIFF is reached ---------\n\n\n"
            )
        self._put(_fermi(self.run, step.last))
        if step.point.stress is not None and s.isif > 0:
            self._put(_stress(step))
        self._put("\n VOLUME and BASIS-vectors are now :\n" + " " + "-" * 77 + "\n")
        self._put(lattice_table(step.lattice, s.encut))
        self._put(_forces(step))
        energy = fixed(step.point.energy, 18, 8)
        self._put(
            f"{RULE}\n\n\n\n  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n"
            "  ---------------------------------------------------\n"
            f"  free  energy   TOTEN  ={energy} eV\n\n"
            f"  energy  without entropy={energy}  energy(sigma->0) ={energy}\n\n\n"
        )
        if step.thermo is not None:
            self._put(_thermo(step))
        self._put(_timing("LOOP+", step.cpu_s, step.wall_s))
        self._put("    4ORBIT:  cpu time      0.0000: real time      0.0000\n")
        self.stream.flush()

    def note(self, text: str) -> None:
        """Add a line between the sections."""
        self._put(f"\n {text}\n")
        self.stream.flush()

    def close(self, cpu_s: float, wall_s: float) -> None:
        """Write the accounting, which tells that the run ended properly."""
        self._put(_accounting(cpu_s, wall_s))
        self.stream.close()

    def _put(self, text: str) -> None:
        self.stream.write(text)


def _fermi(run: Run, full: bool) -> str:
    level = fixed(FERMI, 8, 4)
    text = f" E-fermi : {level}     XC(G=0):   0.0000     alpha+bet :  0.0000\n\n"
    if not full:
        return text
    energies, occupations = bands(run.settings)
    share = 2.0 / run.settings.ispin
    rows = "".join(
        f"{n:7d}  {fixed(e, 11, 4)}  {fixed(share * f, 11, 5)}\n"
        for n, (e, f) in enumerate(zip(energies, occupations, strict=True), start=1)
    )
    points = "".join(
        f" k-point {k:5d} :   {''.join(fixed(x, 10, 4) for x in point)}\n"
        f"  band No.  band energies     occupation \n{rows}\n"
        for k, point in enumerate(run.k_points.points, start=1)
    )
    if run.settings.ispin == 1:
        return f"{text}{points}\n{RULE}{GAP}"
    both = "".join(f" spin component {n}\n\n{points}\n" for n in (1, 2))
    return f"{text}\n{both}{RULE}{GAP}"


def _stress(step: Step) -> str:
    assert step.point.stress is not None
    volume = abs(np.linalg.det(step.lattice))
    total = [-step.point.stress[i, j] * volume for i, j in VOIGT]
    kbar = [-step.point.stress[i, j] * KBAR for i, j in VOIGT]
    return (
        "\n  FORCE on cell =-STRESS in cart. coord.  units (eV):\n"
        "  Direction    XX          YY          ZZ          XY          YZ"
        "          ZX\n"
        "  " + "-" * 86 + "\n"
        f"  Total   {''.join(fixed(x, 12, 5) for x in total)}\n"
        f"  in kB   {''.join(fixed(x, 12, 5) for x in kbar)}\n"
        f"  external pressure = {fixed(sum(kbar[:3]) / 3, 11, 2)} kB  "
        "Pullay stress =        0.00 kB\n\n"
    )


def _forces(step: Step) -> str:
    places = step.fractional @ step.lattice
    rows = "".join(
        f"{''.join(fixed(x, 13, 5) for x in place)}    "
        f"{''.join(fixed(x, 14, 6) for x in force)}\n"
        for place, force in zip(places, step.point.forces, strict=True)
    )
    drift = "".join(fixed(x, 14, 6) for x in step.point.drift)
    return (
        " POSITION                                       TOTAL-FORCE (eV/Angst)\n"
        f"{LINE}\n{rows}{LINE}\n"
        f"    total drift:                           {drift}{GAP}"
    )


def _thermo(step: Step) -> str:
    t = step.thermo
    assert t is not None
    rows = {
        "% ion-electron   TOTEN  ": (step.point.energy, "  see above"),
        "  kinetic energy EKIN   ": (t.kinetic, ""),
        "  kin. lattice  EKIN_LAT": (0.0, f"  (temperature {t.temperature:7.2f} K)"),
        "  nose potential ES     ": (t.nosepot, ""),
        "  nose kinetic   EPS    ": (t.nosekinetic, ""),
    }
    body = "".join(
        f"{name}={fixed(value, 17, 6)}{note}\n" for name, (value, note) in rows.items()
    )
    total = fixed(t.total(step.point.energy), 17, 6)
    rule = "  ---------------------------------------------------\n"
    return (
        f"\n{RULE}{GAP}  ENERGY OF THE ELECTRON-ION-THERMOSTAT SYSTEM (eV)\n"
        f"{rule}{body}{rule}  total energy   ETOTAL ={total} eV{GAP}"
    )


def _warning(nelm: int) -> str:
    return (
        " " + "-" * 77 + "\n"
        "|           W    W    AA    RRRRR   N    N  II  N    N   GGGG   !!!"
        "           |\n"
        "|     The electronic self-consistency was not achieved in the given"
        "          |\n"
        f"|     number of steps (NELM ={nelm:4d}). The forces and other quantities"
        "       |\n|     evaluated might not be reliable.                     "
        "                  |\n " + "-" * 77 + "\n\n"
    )


def _timing(name: str, cpu_s: float, wall_s: float) -> str:
    cpu, wall = fixed(cpu_s, 11, 4), fixed(wall_s, 11, 4)
    return f"{name:>10}:  cpu time {cpu}: real time {wall}\n"


def _accounting(cpu_s: float, wall_s: float) -> str:
    rows = {
        "Total CPU time used (sec)": cpu_s,
        "User time (sec)": cpu_s,
        "System time (sec)": 0.0,
        "Elapsed time (sec)": wall_s,
        "Maximum memory used (kb)": 0.0,
        "Average memory used (kb)": 0.0,
    }
    body = "".join(f"{name:>42}:{fixed(x, 13, 3)}\n" for name, x in rows.items())
    return (
        "\n\n General timing and accounting informations for this job:\n"
        f" ========================================================\n  \n{body}\n"
        "                   Minor page faults:            0\n"
        "                   Major page faults:            0\n"
        "          Voluntary context switches:            0\n"
    )
