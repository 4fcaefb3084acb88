"""What a VASP job costs: a model of its work, memory and disk, from first principles.

Work of one electronic step and k-point, in floating-point operations:

    subspace      3 products of 8 n_b² n_pw
    Hamiltonian   3 applications to n_b bands, two FFTs of 5 n_fft log2(n_fft) each
    projectors    reciprocal (LREAL off): 3 · 16 n_b n_proj n_pw
    diagonal      25 n_b³

Γ-only runs use real arithmetic: a quarter of the products, half of the FFTs. A core
sustains 3·10⁹ operations a second, parallel losses included. The model is within a
factor of three; runs that have finished on the same machine correct it (`planning`).
Validity: plane-wave DFT with 20 to 2,000 bands on CPUs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ionface.workflows.engines.contract import JobDescription
from ionface.workflows.engines.k_mesh import irreducible
from ionface.workflows.engines.vasp.inputs import VaspRun
from ionface.workflows.engines.vasp.potcars import valence_electrons

CUTOFF_TO_WAVENUMBER = 0.5123167  # sqrt(2 m_e) / hbar, Å⁻¹ eV^-1/2
RATE = 3e9  # sustained operations per second and core
ELECTRONIC_STEPS = {"relax": 10, "static": 20, "dynamics": 8}
FIRST_STAGE_STEPS = 25
EXPECTED_RELAXATION = 150  # ionic steps from a built model
EXPECTED_AFTER_POTENTIAL = 80  # from a structure relaxed by a potential
PROJECTORS = 8  # per atom: s and p, two each
COEFFICIENT = 16  # bytes in memory; 8 in WAVECAR
PER_PROCESS = 0.15e9  # bytes: code, tables and buffers of each MPI process
PER_STEP_AND_ATOM = 330  # bytes: vasprun.xml 142, OUTCAR 150, XDATCAR 38


@dataclass(frozen=True)
class Cost:
    """One job's size and price.

    Attributes:
        atoms: in the cell.
        electrons: valence electrons.
        bands: VASP's default NBANDS.
        kpoints: irreducible, without symmetry.
        plane_waves: per k-point.
        steps: ionic steps that are expected.
        step_core_s: core-seconds of one ionic step.
        core_hours: of the whole job.
        memory_gb: of the whole job.
        disk_gb: of all its files.
        ncore: suggested.
        kpar: suggested.
    """

    atoms: int
    electrons: int
    bands: int
    kpoints: int
    plane_waves: int
    steps: int
    step_core_s: float
    core_hours: float
    memory_gb: float
    disk_gb: float
    ncore: int
    kpar: int


def estimate(job: JobDescription, correction: float = 1.0) -> Cost:
    """Return what a job costs by the model of this module.

    Args:
        job: of VASP, with its inputs.
        correction: measured over modelled time of finished runs.

    Raises:
        IonfaceError: the number of valence electrons of an element is unknown.
    """
    run: VaspRun = job.inputs
    structure, waves = run.structure, run.waves
    counts = {str(e): int(n) for e, n in structure.composition.items()}
    electrons = round(valence_electrons(counts, waves.settings.potcars, waves.potcar))
    divisions = tuple(int(n) for n in run.kpoints().kpts[0])
    points = irreducible((divisions[0], divisions[1], divisions[2]))
    spins = int(run.incar.get("ISPIN", 1))
    n_b = int(run.incar.get("NBANDS", bands(electrons, len(structure))))
    n_pw = plane_waves(structure.volume, waves.cutoff)
    gamma = divisions == (1, 1, 1)
    work = (
        points
        * spins
        * operations(
            n_b,
            n_pw,
            grid(structure.volume, waves.cutoff, str(run.incar["PREC"])),
            len(structure) * PROJECTORS if run.incar.get("LREAL") is False else 0,
            gamma=gamma,
        )
    )
    per_scf = correction * work / RATE
    step = per_scf * ELECTRONIC_STEPS[job.kind]
    steps = expected_steps(job)
    extra = per_scf * FIRST_STAGE_STEPS if job.stages == 2 else 0.0
    kpar, ncore = parallel(waves.settings.cores, points)
    return Cost(
        atoms=len(structure),
        electrons=electrons,
        bands=n_b,
        kpoints=points,
        plane_waves=n_pw,
        steps=steps,
        step_core_s=step,
        core_hours=(steps * step + extra) / 3600,
        memory_gb=memory(n_b, n_pw, points * spins, kpar, waves.settings.cores, gamma)
        / 1e9,
        disk_gb=disk(n_b, n_pw, points * spins, len(structure), steps, gamma) / 1e9,
        ncore=waves.settings.ncore or ncore,
        kpar=waves.settings.kpar or kpar,
    )


def bands(electrons: int, atoms: int) -> int:
    """Return VASP's default NBANDS without spin.

    max(nint(N_e + 2) / 2 + max(N_ions / 2, 3), 0.6 N_e), https://vasp.at/wiki/NBANDS.
    """
    return max((electrons + 2) // 2 + max(atoms // 2, 3), int(0.6 * electrons))


def plane_waves(volume: float, cutoff: float) -> int:
    """Return the number of plane waves below a cutoff (eV) in a volume (Å³)."""
    wavenumber = CUTOFF_TO_WAVENUMBER * math.sqrt(cutoff)
    return round(volume * wavenumber**3 / (6 * math.pi**2))


def grid(volume: float, cutoff: float, precision: str) -> float:
    """Return the number of points of the FFT grid.

    It holds all vectors up to 2 G_cut for Accurate, to 3/2 G_cut for Normal.
    """
    reach = 2.0 if precision[:1].lower() == "a" else 1.5
    wavenumber = CUTOFF_TO_WAVENUMBER * math.sqrt(cutoff)
    return volume * (2 * reach * wavenumber / (2 * math.pi)) ** 3


def operations(n_b: int, n_pw: int, n_fft: float, n_proj: int, *, gamma: bool) -> float:
    """Return the operations of one electronic step at one k-point."""
    products = 3 * 8 * n_b**2 * n_pw + 3 * 16 * n_b * n_proj * n_pw + 25 * n_b**3
    transforms = 3 * n_b * 2 * 5 * n_fft * math.log2(n_fft)
    return products / 4 + transforms / 2 if gamma else products + transforms


def expected_steps(job: JobDescription) -> int:
    """Return the ionic steps that a job probably takes."""
    if job.kind == "static":
        return 1
    if job.kind == "dynamics":
        return job.steps
    usual = EXPECTED_AFTER_POTENTIAL if job.prerelaxed else EXPECTED_RELAXATION
    return min(job.steps, usual)


def memory(
    n_b: int, n_pw: int, points: int, kpar: int, cores: int, gamma: bool
) -> float:
    """Return bytes: all wavefunctions, three work copies of one k-point per group."""
    half = 2 if gamma else 1
    return COEFFICIENT * n_b * n_pw * (points + 3 * kpar) / half + PER_PROCESS * cores


def disk(
    n_b: int, n_pw: int, points: int, atoms: int, steps: int, gamma: bool
) -> float:
    """Return bytes: WAVECAR in single precision, and what is written every step."""
    wavecar = COEFFICIENT / 2 * n_b * n_pw * points / (2 if gamma else 1)
    return wavecar + PER_STEP_AND_ATOM * atoms * steps


def parallel(cores: int, points: int) -> tuple[int, int]:
    """Return (KPAR, NCORE): groups of at least 8 cores, NCORE near their root.

    KPAR divides both the cores and, as far as possible, the k-points evenly.
    """
    divisors = [n for n in range(1, cores + 1) if cores % n == 0]
    fit = [n for n in divisors if n <= points and cores // n >= min(8, cores)]
    kpar = min(fit or [1], key=lambda n: (math.ceil(points / n), n))
    group = cores // kpar
    inner = [n for n in range(1, group + 1) if group % n == 0]
    return kpar, min(inner, key=lambda n: (abs(n - math.sqrt(group)), n))
