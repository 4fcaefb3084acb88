"""CP2K's input file: a pure function of a program's settings and a structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from ase.calculators.cp2k import InputSection
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.cp2k.settings import EPS_SCF, Cp2kSettings

PROJECT = "cp2k"
DENSITY = {True: "cp2k-RESTART.wfn", False: "cp2k-RESTART.kp"}
"""File of the wave functions: at Γ alone, and with several k-points."""

CHAIN = 3  # thermostats in the chain, as in the dynamics of potentials
DFT, SUBSYS, MD = "FORCE_EVAL/DFT", "FORCE_EVAL/SUBSYS", "MOTION/MD"
SCF = f"{DFT}/SCF"


@dataclass(frozen=True)
class Mixing:
    """How the density of the next electronic step is made.

    Attributes:
        alpha: share of the new density.
        history: of Broyden's method.
    """

    alpha: float
    history: int


USUAL, CAREFUL = Mixing(0.2, 8), Mixing(0.03, 12)


class Input:
    """An input file of CP2K that is being written."""

    def __init__(self) -> None:
        self.root = InputSection("CP2K_INPUT")

    def add(self, path: str, *lines: str) -> None:
        """Add lines to the section at a path."""
        section = self.root.get_subsection(path)
        section.keywords += lines

    def switch(self, path: str, value: str) -> None:
        """Set what stands behind the name of a section."""
        self.root.get_subsection(path).params = value

    def text(self) -> str:
        """Return the file's content."""
        return "\n".join(self.root.write()) + "\n"


def single_point(
    program: Cp2kSettings, structure: Structure, mixing: Mixing, restarted: bool
) -> str:
    """Return the input of energy, forces and stress."""
    file = _electrons(program, structure, mixing, restarted)
    file.add("GLOBAL", "RUN_TYPE ENERGY_FORCE")
    file.add("FORCE_EVAL", "STRESS_TENSOR ANALYTICAL")
    file.switch("FORCE_EVAL/PRINT/STRESS_TENSOR", "ON")
    file.switch("FORCE_EVAL/PRINT/FORCES", "ON")
    return file.text()


def dynamics(
    program: Cp2kSettings,
    structure: Structure,
    settings: DynamicsSettings,
    steps: int,
    velocities: NDArray[np.float64] | None,
    restart: str | None,
    restarted: bool,
) -> str:
    """Return the input of NVT dynamics.

    Args:
        program: with a study's settings.
        structure: where the first run starts.
        settings: of the dynamics.
        steps: of this run.
        velocities: Å/fs, shape (n_atoms, 3), of the first run.
        restart: file that holds the state to go on from, of later ones.
        restarted: there are wave functions to begin with.
    """
    file = _electrons(program, structure, USUAL, restarted)
    file.add("GLOBAL", "RUN_TYPE MD")
    file.add(f"{DFT}/QS", "EXTRAPOLATION LINEAR_P", "EXTRAPOLATION_ORDER 2")
    file.add(
        MD,
        "ENSEMBLE NVT",
        f"STEPS {steps}",
        f"TIMESTEP [fs] {settings.timestep}",
        f"TEMPERATURE [K] {settings.temperature}",
    )
    # a thermostat of mass N_f kT τ² oscillates with 2π τ / √2, CP2K's TIMECON is 2π τ
    timecon = settings.period * settings.timestep * np.sqrt(2)
    file.add(f"{MD}/THERMOSTAT", "TYPE NOSE")
    file.add(f"{MD}/THERMOSTAT/NOSE", f"LENGTH {CHAIN}", f"TIMECON [fs] {timecon:.6f}")
    # every step: what was written is what is not computed again
    for name in ("TRAJECTORY", "VELOCITIES", "RESTART"):
        file.add(f"MOTION/PRINT/{name}/EACH", "MD 1")
    file.switch("MOTION/PRINT/RESTART_HISTORY", "OFF")
    if held := _held(structure):
        file.add("MOTION/CONSTRAINT/FIXED_ATOMS", *(f"LIST {i}" for i in held))
    if restart is not None:
        file.add("EXT_RESTART", f"RESTART_FILE_NAME {restart}")
    elif velocities is not None:
        atomic = velocities / units.fs / (units.Bohr / units.AUT)
        file.add(f"{SUBSYS}/VELOCITY", *_rows("", atomic))
    return file.text()


def _electrons(
    program: Cp2kSettings, structure: Structure, mixing: Mixing, restarted: bool
) -> Input:
    """Return an input with all that fixes the energy."""
    file = Input()
    symbols = [site.specie.symbol for site in structure]
    data = {symbol: program.data_set(symbol) for symbol in sorted(set(symbols))}
    file.add("GLOBAL", f"PROJECT {PROJECT}", "PRINT_LEVEL MEDIUM")
    file.add("FORCE_EVAL", "METHOD QUICKSTEP")
    bases = dict.fromkeys(each.basis_file for each in data.values())
    file.add(DFT, *(f"BASIS_SET_FILE_NAME {base}" for base in bases))
    file.add(DFT, f"POTENTIAL_FILE_NAME {next(iter(data.values())).potential_file}")
    file.add(
        f"{DFT}/MGRID",
        f"CUTOFF [eV] {program.cutoff}",
        f"REL_CUTOFF [eV] {program.relative_cutoff}",
    )
    file.add(f"{DFT}/QS", f"EPS_DEFAULT {program.precision:g}")
    file.switch(f"{DFT}/XC/XC_FUNCTIONAL", program.functional)
    _add_self_consistency(file, program, structure, mixing, restarted)
    _add_cell(file, program, structure)
    file.add(f"{SUBSYS}/COORD", *_rows(symbols, structure.cart_coords))
    subsystem = file.root.get_subsection(SUBSYS).subsections
    moments = program.magnetic_moments(structure) or [0.0] * len(symbols)
    by_symbol = dict(zip(symbols, moments, strict=True))
    for symbol, each in data.items():
        kind = InputSection("KIND", symbol)
        kind.keywords = [f"BASIS_SET {each.basis}", f"POTENTIAL {each.potential}"]
        if program.spin:
            kind.keywords.append(f"MAGNETIZATION {by_symbol[symbol]}")
        subsystem.append(kind)
    return file


def _add_self_consistency(
    file: Input,
    program: Cp2kSettings,
    structure: Structure,
    mixing: Mixing,
    restarted: bool,
) -> None:
    if program.spin:
        file.add(DFT, "UNRESTRICTED_KOHN_SHAM ON")
    file.add(
        SCF,
        f"EPS_SCF {EPS_SCF:g}",
        f"MAX_SCF {program.iterations}",
        f"ADDED_MOS {program.empty_bands(structure)}",
        f"SCF_GUESS {'RESTART' if restarted else 'ATOMIC'}",
    )
    file.switch(f"{SCF}/SMEAR", "ON")
    file.add(
        f"{SCF}/SMEAR",
        "METHOD FERMI_DIRAC",
        f"ELECTRONIC_TEMPERATURE [K] {program.width / units.kB:.4f}",
    )
    file.add(
        f"{SCF}/MIXING",
        "METHOD BROYDEN_MIXING",
        f"ALPHA {mixing.alpha}",
        f"NBROYDEN {mixing.history}",
    )


def _add_cell(file: Input, program: Cp2kSettings, structure: Structure) -> None:
    """Add cell, k-points and dipole correction."""
    file.add(f"{SUBSYS}/CELL", *_rows("ABC", structure.lattice.matrix))
    divisions = program.divisions(structure)
    if divisions != (1, 1, 1):
        # CP2K's meshes of even numbers lie around Γ; half a division takes them there
        shifts = [0.0 if n % 2 else 0.5 / n for n in divisions]
        mesh = " ".join(map(str, [*divisions, *shifts]))
        file.add(f"{DFT}/KPOINTS", f"SCHEME MACDONALD {mesh}", "FULL_GRID OFF")
    if program.has_dipole(structure):
        file.add(DFT, "SURFACE_DIPOLE_CORRECTION ON", "SURF_DIP_DIR Z")


def _rows(names: Sequence[str], vectors: NDArray[np.float64]) -> list[str]:
    labels = names or [""] * len(vectors)
    return [
        f"{label} {x:.14f} {y:.14f} {z:.14f}".strip()
        for label, (x, y, z) in zip(labels, vectors, strict=True)
    ]


def _held(structure: Structure) -> list[int]:
    """Return the numbers of the atoms that do not move, from 1."""
    fixed = structure.site_properties.get("fixed") or []
    return [number for number, held in enumerate(fixed, 1) if held]
