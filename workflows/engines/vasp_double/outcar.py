"""OUTCAR, growing step by step: the sections that people and parsers look for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO

import numpy as np

from ionface.workflows.engines.vasp_double.electrons import FERMI, ScfStep, bands
from ionface.workflows.engines.vasp_double.fortran import (
    exponential,
    fixed,
    integer,
    rows,
)
from ionface.workflows.engines.vasp_double.geometry import FloatArray
from ionface.workflows.engines.vasp_double.inputs import VERSION, Run
from ionface.workflows.engines.vasp_double.settings import in_words
from ionface.workflows.engines.vasp_double.steps import Step, Thermo
from ionface.workflows.engines.vasp_double.vasprun import KBAR

RULE = "-" * 104
LINE = " " + "-" * 83
DASHES = "  ---------------------------------------------------\n"
GAP = "\n\n\n"
VOIGT = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))
HBAR2_2M = 3.81  # ħ²/2m of an electron, eV Å²


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
        cell = _lattice_table(run.poscar.lattice, run.settings.tags["ENMAX"])
        for text in (
            _head(run), _dimensions(run, overflow), _parameters(run), cell,
            _k_points(run), _plane_waves(run),
        ):  # fmt: skip
            self.stream.write(text)
        self.stream.flush()

    def electronic(self, step: ScfStep) -> None:
        """Add an electronic step."""
        tags = self.run.settings.tags
        title = f" Iteration {integer(self.ionic_number, 6)}({step.number:4d})  "
        change = exponential(step.change, 14, 7)
        self.stream.write(
            f"{'-' * 39}{title}{'-' * 39}\n\n\n{_timing('LOOP', 0.0, 0.0)}\n"
            f" eigenvalue-minimisations  :{tags['NBANDS'] * 2:6d}\n"
            f" total energy-change (2. order) :{change}  ({change})\n"
            f" number of electron {tags['NELECT']:15.7f} magnetization "
            f"{'0.0000000' if tags['ISPIN'] == 2 else ''}\n"
            f" augmentation part  {0.0:15.7f} magnetization \n\n"
            f" Free energy of the ion-electron system (eV)\n{DASHES}"
            f"{_energies(step.energy, '  free energy    TOTEN ', ' ')}{RULE}{GAP}"
        )
        self.stream.flush()

    def ionic(self, step: Step) -> None:
        """Add what follows the electronic steps."""
        tags = self.run.settings.tags
        if step.converged:
            self.stream.write(
                "\n----------- aborting loop because EDIFF is reached ---------\n\n\n"
            )
        self.stream.write(_fermi(self.run, every_band=step.last))
        if step.point.stress is not None and tags["ISIF"] > 0:
            self.stream.write(_stress(step.point.stress, step.lattice))
        self.stream.write(
            "\n VOLUME and BASIS-vectors are now :\n"
            f" {'-' * 77}\n{_lattice_table(step.lattice, tags['ENMAX'])}{_forces(step)}"
            f"{RULE}\n\n\n\n  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n{DASHES}"
            f"{_energies(step.point.energy, '  free  energy   TOTEN ', '')}"
        )
        if step.thermo is not None:
            self.stream.write(_thermo(step.thermo, step.point.energy))
        self.stream.write(_timing("LOOP+", *step.cpu_wall_s))
        self.stream.write("    4ORBIT:  cpu time      0.0000: real time      0.0000\n")
        self.stream.flush()

    def note(self, text: str) -> None:
        """Add a line between the sections."""
        self.stream.write(f"\n {text}\n")
        self.stream.flush()

    def close(self, cpu_s: float, wall_s: float) -> None:
        """Write the accounting, which tells that the run ended properly."""
        self.stream.write(_accounting(cpu_s, wall_s))
        self.stream.close()


def _head(run: Run) -> str:
    """Return version, mark, INCAR and titles."""
    tags = "".join(f"   {k} = {in_words(v)}\n" for k, v in run.settings.given.items())
    titles = "".join(f" POTCAR:    {p.title:38}\n" for p in run.potentials)
    described = "".join(
        f" POTCAR:    {p.title:38}\n   VRHFIN ={p.element}: \n   LEXCH  = PE\n"
        f"   TITEL  = {p.title}\n   POMASS ={p.mass:9.3f}; ZVAL   ={p.valence:9.3f}\n"
        f"   ENMAX  ={p.enmax:9.3f}; ENMIN  ={0.75 * p.enmax:9.3f} eV\n"
        for p in run.potentials
    )
    date = time.strftime("%Y.%m.%d  %H:%M:%S")
    return (
        f" vasp.{VERSION} {run.mark}\n"
        f" executed on             stand-in date {date}\n"
        " running    1 mpi-ranks, with    1 threads/rank, on    1 nodes\n\n\n"
        f"{RULE}\n\n\n INCAR:\n{tags}\n{titles}{described}\n"
        f" POSCAR: {run.poscar.comment}\n  positions in direct lattice\n\n\n{RULE}{GAP}"
    )


def _dimensions(run: Run, overflow: bool) -> str:
    """Return sizes; asterisks for a grid that overflows."""
    tags, n_k = run.settings.tags, len(run.k_points.points)
    waves = "******" if overflow else f"{_grid_points(run):6d}"
    counts = "".join(f"{count:6d}" for count in run.poscar.counts)
    return (
        " Dimension of arrays:\n"
        f"   k-points           NKPTS ={n_k:7d}   k-points in BZ     NKDIM ={n_k:7d}"
        f"   number of bands    NBANDS={tags['NBANDS']:7d}\n"
        f"   number of dos      NEDOS ={tags['NEDOS']:7d}   number of ions     "
        f"NIONS ={sum(run.poscar.counts):7d}\n"
        f"   total plane-waves  NPLWV = {waves}\n"
        f"   ions per type =          {counts}\n\n"
        f" SYSTEM =  {tags['SYSTEM']}\n POSCAR =  {run.poscar.comment}\n\n"
    )


def _grid_points(run: Run) -> int:
    """Return the size of the grid that the cutoff's sphere needs, doubled."""
    reach = np.sqrt(run.settings.tags["ENMAX"] / HBAR2_2M)  # 1/Å
    lengths = np.linalg.norm(run.poscar.lattice, axis=1)
    return int(np.prod(np.ceil(reach * lengths / np.pi) * 2 + 1))


def _parameters(run: Run) -> str:
    """Return the settings in use."""
    tags = run.settings.tags
    valences = " ".join(f"{p.valence:6.2f}" for p in run.potentials)
    masses = " ".join(f"{p.mass:6.2f}" for p in run.potentials)
    return (
        " Startparameter for this run:\n"
        f"   PREC   = {tags['PREC']}\n"
        f"   ISPIN  = {tags['ISPIN']:6d}    spin polarized calculation?\n"
        "   LNONCOLLINEAR =      F non collinear calculations\n"
        " Electronic Relaxation 1\n"
        f"   ENCUT  = {tags['ENMAX']:6.1f} eV\n"
        f"   NELM   = {tags['NELM']:6d};   NELMIN={tags['NELMIN']:3d}"
        "     # of ELM steps \n"
        f"   EDIFF  = {tags['EDIFF']:7.1E}   stopping-criterion for ELM\n"
        " Ionic relaxation\n"
        f"   EDIFFG = {tags['EDIFFG']:7.1E}   stopping-criterion for IOM\n"
        f"   NSW    = {tags['NSW']:6d}    number of steps for IOM\n"
        f"   NBLOCK = {tags['NBLOCK']:6d}    inner block\n"
        f"   IBRION = {tags['IBRION']:6d}    ionic relax: 0-MD 1-quasi-New 2-CG\n"
        f"   ISIF   = {tags['ISIF']:6d}    stress and relaxation\n"
        f"   MDALGO = {tags['MDALGO']:6d}    thermostat\n\n"
        f"   POTIM  = {tags['POTIM']:6.4f}    time-step for ionic-motion\n"
        f"   TEBEG  = {tags['TEBEG']:6.1f};   TEEND  ={tags['TEEND']:6.1f} temperature "
        "during run\n"
        f"   SMASS  = {tags['SMASS']:6.2f}    Nose mass-parameter (am)\n\n"
        f"  Mass of Ions in am\n   POMASS = {masses}\n"
        f"  Ionic Valenz\n   ZVAL   = {valences}\n"
        f"   NELECT = {tags['NELECT']:12.4f}    total number of electrons\n\n"
        f"   ISMEAR = {tags['ISMEAR']:6d};   SIGMA  = {tags['SIGMA']:6.2f}  "
        f"broadening in eV\n\n{RULE}{GAP}"
    )


def _lattice_table(lattice: FloatArray, cutoff: float) -> str:
    """Return cutoff, volume and cell vectors."""
    reciprocal = np.linalg.inv(lattice).T
    lengths = [np.linalg.norm(vectors, axis=1) for vectors in (lattice, reciprocal)]
    return (
        f"  energy-cutoff  :  {cutoff:10.2f}\n"
        f"  volume of cell :  {abs(np.linalg.det(lattice)):10.2f}\n"
        "      direct lattice vectors                 reciprocal lattice vectors\n"
        f"{rows(np.hstack([lattice, reciprocal]), 13, 9, lead='   ')}\n"
        f"  length of vectors\n{rows([np.hstack(lengths)], 13, 9, lead='   ')}\n\n"
    )


def _k_points(run: Run) -> str:
    """Return the k-points in fractions of the reciprocal lattice, with weights."""
    table = np.column_stack([run.k_points.points, run.k_points.weights])
    return (
        " k-points in reciprocal lattice and weights: automatic mesh\n"
        f"{rows(table, 12, 8)}\n"
    )


def _plane_waves(run: Run) -> str:
    """Return the number of plane waves of each k-point."""
    count = int(_grid_points(run) / 12) + 1  # the sphere in the doubled grid
    table = "".join(
        f" k-point {k:5d} :  {''.join(fixed(x, 7, 4) for x in point)}"
        f"  plane waves:{count:8d}\n"
        for k, point in enumerate(run.k_points.points, start=1)
    )
    return (
        f"\n\n{RULE}\n\n\n{table}\n"
        f" maximum and minimum number of plane-waves per node :{count:10d}{count:10d}"
        f"\n\n maximum number of plane-waves:{count:10d}\n\n\n{RULE}{GAP}"
    )


def _energies(energy: float, label: str, gap: str) -> str:
    value = fixed(energy, 18, 8)
    return (
        f"{label} ={value} eV\n\n  energy {'' if gap else ' '}without entropy{gap}="
        f"{value}  energy(sigma->0) ={value}\n\n\n"
    )


def _fermi(run: Run, *, every_band: bool) -> str:
    level = fixed(FERMI, 8, 4)
    text = f" E-fermi : {level}     XC(G=0):   0.0000     alpha+bet :  0.0000\n\n"
    if not every_band:
        return text
    spins = run.settings.tags["ISPIN"]
    table = "".join(
        f"{n:7d}  {fixed(energy, 11, 4)}  {fixed(2.0 / spins * filled, 11, 5)}\n"
        for n, (energy, filled) in enumerate(zip(*bands(run.settings), strict=True), 1)
    )
    points = "".join(
        f" k-point {k:5d} :   {''.join(fixed(x, 10, 4) for x in point)}\n"
        f"  band No.  band energies     occupation \n{table}\n"
        for k, point in enumerate(run.k_points.points, start=1)
    )
    if spins == 1:
        return f"{text}{points}\n{RULE}{GAP}"
    both = "".join(f" spin component {n}\n\n{points}\n" for n in (1, 2))
    return f"{text}\n{both}{RULE}{GAP}"


def _stress(stress: FloatArray, lattice: FloatArray) -> str:
    pressure = np.array([-stress[i, j] for i, j in VOIGT])  # eV/Å³
    kbar = pressure * KBAR
    total = rows([pressure * abs(np.linalg.det(lattice))], 12, 5, lead="  Total   ")
    return (
        "\n  FORCE on cell =-STRESS in cart. coord.  units (eV):\n"
        "  Direction    XX          YY          ZZ          XY          YZ"
        f"          ZX\n  {'-' * 86}\n{total}{rows([kbar], 12, 5, lead='  in kB   ')}"
        f"  external pressure = {fixed(sum(kbar[:3]) / 3, 11, 2)} kB  "
        "Pullay stress =        0.00 kB\n\n"
    )


def _forces(step: Step) -> str:
    places = step.fractional @ step.lattice
    table = "".join(
        f"{''.join(fixed(x, 13, 5) for x in place)}    "
        f"{''.join(fixed(x, 14, 6) for x in force)}\n"
        for place, force in zip(places, step.point.forces, strict=True)
    )
    drift = "".join(fixed(x, 14, 6) for x in step.point.drift)
    return (
        " POSITION                                       TOTAL-FORCE (eV/Angst)\n"
        f"{LINE}\n{table}{LINE}\n"
        f"    total drift:                           {drift}{GAP}"
    )


def _thermo(t: Thermo, energy: float) -> str:
    table = {
        "% ion-electron   TOTEN  ": (energy, "  see above"),
        "  kinetic energy EKIN   ": (t.kinetic, ""),
        "  kin. lattice  EKIN_LAT": (0.0, f"  (temperature {t.temperature:7.2f} K)"),
        "  nose potential ES     ": (t.nosepot, ""),
        "  nose kinetic   EPS    ": (t.nosekinetic, ""),
    }
    body = "".join(
        f"{name}={fixed(value, 17, 6)}{note}\n" for name, (value, note) in table.items()
    )
    total = fixed(t.total(energy), 17, 6)
    return (
        f"\n{RULE}{GAP}  ENERGY OF THE ELECTRON-ION-THERMOSTAT SYSTEM (eV)\n"
        f"{DASHES}{body}{DASHES}  total energy   ETOTAL ={total} eV{GAP}"
    )


def _timing(name: str, cpu_s: float, wall_s: float) -> str:
    cpu, wall = fixed(cpu_s, 11, 4), fixed(wall_s, 11, 4)
    return f"{name:>10}:  cpu time {cpu}: real time {wall}\n"


def _accounting(cpu_s: float, wall_s: float) -> str:
    table = {
        "Total CPU time used (sec)": cpu_s,
        "User time (sec)": cpu_s,
        "System time (sec)": 0.0,
        "Elapsed time (sec)": wall_s,
        "Maximum memory used (kb)": 0.0,
        "Average memory used (kb)": 0.0,
    }
    body = "".join(f"{name:>42}:{fixed(x, 13, 3)}\n" for name, x in table.items())
    return (
        "\n\n General timing and accounting informations for this job:\n"
        f" ========================================================\n  \n{body}\n"
        "          Voluntary context switches:            0\n"
    )
