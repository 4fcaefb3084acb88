"""OUTCAR up to its first ionic step."""

from __future__ import annotations

import time

import numpy as np

from ionface.workflows.engines.vasp_double.double_run import Run
from ionface.workflows.engines.vasp_double.double_settings import (
    AMU,
    BOLTZMANN,
    degrees_of_freedom,
)
from ionface.workflows.engines.vasp_double.fortran import fixed
from ionface.workflows.engines.vasp_double.incar_reader import in_words
from ionface.workflows.engines.vasp_double.marks import VERSION, mark
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray
from ionface.workflows.engines.vasp_double.vasprun_parameters import IBRION

RULE = "-" * 104
GAP = "\n\n\n"


def head(run: Run) -> str:
    """Return version, mark, INCAR and titles."""
    tags = "".join(
        f"   {name} = {in_words(value)}\n" for name, value in run.settings.tags.items()
    )
    titles = "".join(f" POTCAR:    {p.title:38}\n" for p in run.potentials)
    again = "".join(
        f" POTCAR:    {p.title:38}\n   VRHFIN ={p.element}: \n   LEXCH  = PE\n"
        f"   TITEL  = {p.title}\n   POMASS ={p.mass:9.3f}; ZVAL   ={p.valence:9.3f}\n"
        f"   ENMAX  ={p.enmax:9.3f}; ENMIN  ={0.75 * p.enmax:9.3f} eV\n"
        for p in run.potentials
    )
    date = time.strftime("%Y.%m.%d  %H:%M:%S")
    return (
        f" vasp.{VERSION} {mark(run.model)}\n"
        f" executed on             stand-in date {date}\n"
        " running    1 mpi-ranks, with    1 threads/rank, on    1 nodes\n\n\n"
        f"{RULE}\n\n\n INCAR:\n{tags}\n{titles}{again}\n"
        f" POSCAR: {run.poscar.comment}\n  positions in direct lattice\n\n\n{RULE}{GAP}"
    )


def dimensions(run: Run, overflow: bool) -> str:
    """Return sizes; asterisks for a grid that overflows."""
    n_k, n_bands = len(run.k_points.points), run.settings.n_bands
    waves = "******" if overflow else f"{_grid_points(run):6d}"
    counts = "".join(f"{count:6d}" for count in run.poscar.counts)
    return (
        " Dimension of arrays:\n"
        f"   k-points           NKPTS ={n_k:7d}   k-points in BZ     NKDIM ={n_k:7d}"
        f"   number of bands    NBANDS={n_bands:7d}\n"
        f"   number of dos      NEDOS ={run.settings.nedos:7d}   number of ions     "
        f"NIONS ={sum(run.poscar.counts):7d}\n"
        f"   total plane-waves  NPLWV = {waves}\n"
        f"   ions per type =          {counts}\n\n"
        f" SYSTEM =  {run.title}\n POSCAR =  {run.poscar.comment}\n\n"
    )


def _grid_points(run: Run) -> int:
    """Return the size of the grid that the cutoff's sphere needs, doubled."""
    reach = np.sqrt(run.settings.encut / 3.81)  # 1/Å; ħ²/2m is 3.81 eV Å²
    lengths = np.linalg.norm(run.poscar.lattice, axis=1)
    return int(np.prod(np.ceil(reach * lengths / np.pi) * 2 + 1))


def parameters(run: Run) -> str:
    """Return the settings in use."""
    s, tags = run.settings, run.settings.tags
    period = _period(run)
    spin = " ".join(f"{p.valence:6.2f}" for p in run.potentials)
    mass = " ".join(f"{p.mass:6.2f}" for p in run.potentials)
    return (
        " Startparameter for this run:\n"
        f"   PREC   = {tags.get('PREC', 'normal')}\n"
        f"   ISPIN  = {s.ispin:6d}    spin polarized calculation?\n"
        "   LNONCOLLINEAR =      F non collinear calculations\n"
        " Electronic Relaxation 1\n"
        f"   ENCUT  = {s.encut:6.1f} eV\n"
        f"   NELM   = {s.nelm:6d};   NELMIN={s.nelmin:3d}     # of ELM steps \n"
        f"   EDIFF  = {s.ediff:7.1E}   stopping-criterion for ELM\n"
        " Ionic relaxation\n"
        f"   EDIFFG = {s.ediffg:7.1E}   stopping-criterion for IOM\n"
        f"   NSW    = {int(tags.get('NSW', 0)):6d}    number of steps for IOM\n"
        f"   NBLOCK = {s.nblock:6d}    inner block\n"
        f"   IBRION = {IBRION[s.move]:6d}    ionic relax: 0-MD 1-quasi-New 2-CG\n"
        f"   ISIF   = {s.isif:6d}    stress and relaxation\n"
        f"   MDALGO = {int(tags.get('MDALGO', 0)):6d}    thermostat\n\n"
        f"   POTIM  = {s.potim:6.4f}    time-step for ionic-motion\n"
        f"   TEBEG  = {s.tebeg:6.1f};   TEEND  ={s.teend:6.1f} temperature during run\n"
        f"   SMASS  = {run.smass if s.move == 'dynamics' else s.smass:6.2f}    "
        "Nose mass-parameter (am)\n"
        f"   estimated Nose-frequenzy (Omega)   = {period[0]:9.2E} "
        f"period in steps ={period[1]:7.2f}\n\n"
        f"  Mass of Ions in am\n   POMASS = {mass}\n"
        f"  Ionic Valenz\n   ZVAL   = {spin}\n"
        f"   NELECT = {s.n_electrons:12.4f}    total number of electrons\n\n"
        f"   ISMEAR = {int(tags.get('ISMEAR', 1)):6d};   "
        f"SIGMA  = {float(tags.get('SIGMA', 0.2)):6.2f}  broadening in eV\n\n"
        f"{RULE}{GAP}"
    )


def _period(run: Run) -> tuple[float, float]:
    """Return the thermostat's frequency, 1/s, and period in time steps."""
    s = run.settings
    if s.move != "dynamics" or s.smass < 0 or s.tebeg <= 0:
        return 0.0, 0.0
    inertia = run.smass * AMU * np.sum(run.poscar.lattice[0] ** 2)
    freedom = degrees_of_freedom(run.poscar.free, sum(run.poscar.counts))
    omega = np.sqrt(2 * freedom * BOLTZMANN * s.tebeg / inertia)  # 1/fs
    return float(omega * 1e15), float(2 * np.pi / omega / s.potim)


def lattice_table(lattice: FloatArray, cutoff: float) -> str:
    """Return cutoff, volume and cell vectors."""
    reciprocal = np.linalg.inv(lattice).T
    both = zip(lattice, reciprocal, strict=True)
    vectors = "".join(
        "   " + "".join(fixed(x, 13, 9) for x in (*a, *b)) + "\n" for a, b in both
    )
    lengths = (np.linalg.norm(lattice, axis=1), np.linalg.norm(reciprocal, axis=1))
    sizes = "".join(fixed(x, 13, 9) for x in np.concatenate(lengths))
    return (
        f"  energy-cutoff  :  {cutoff:10.2f}\n"
        f"  volume of cell :  {abs(np.linalg.det(lattice)):10.2f}\n"
        "      direct lattice vectors                 reciprocal lattice vectors\n"
        f"{vectors}\n  length of vectors\n   {sizes}\n\n\n"
    )


def k_points(run: Run) -> str:
    """Return the k-points, Cartesian and reciprocal, with weights."""
    points, weights = run.k_points.points, run.k_points.weights
    reciprocal = np.linalg.inv(run.poscar.lattice).T

    def table(title: str, values: FloatArray) -> str:
        rows = "".join(
            f"{''.join(fixed(x, 12, 8) for x in row)}{fixed(weight, 12, 3)}\n"
            for row, weight in zip(values, weights, strict=True)
        )
        return f" {title}: {run.k_points.comment}\n{rows}\n"

    return table(
        "k-points in units of 2pi/SCALE and weight", points @ reciprocal
    ) + table("k-points in reciprocal lattice and weights", points)


def plane_waves(run: Run) -> str:
    """Return the number of plane waves of each k-point."""
    count = int(_grid_points(run) / 12) + 1
    rows = "".join(
        f" k-point {k:5d} :  {''.join(fixed(x, 7, 4) for x in point)}"
        f"  plane waves:{count:8d}\n"
        for k, point in enumerate(run.k_points.points, start=1)
    )
    return (
        f"\n\n{RULE}\n\n\n{rows}\n"
        f" maximum and minimum number of plane-waves per node :{count:10d}{count:10d}"
        "\n\n"
        f" maximum number of plane-waves:{count:10d}\n\n\n{RULE}{GAP}"
    )
