"""What a run is asked to do: INCAR's tags with VASP's defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray
from ionface.workflows.engines.vasp_double.pseudopotentials import Pseudopotential

BOLTZMANN = 8.617333262e-5  # eV/K
AMU = 103.642697  # 1 amu Å²/fs² in eV
SMASS_NVE = -3.0
PERIOD_STEPS = 40  # of the temperature's oscillation, for SMASS = 0
MOVES = {-1: "static", 0: "dynamics", 1: "quasi-newton", 2: "cg", 3: "damped"}


@dataclass(frozen=True)
class Settings:
    """A run's parameters; names are those of INCAR.

    Attributes:
        tags: as the user gave them.
        move: how ions move: a value of `MOVES`.
        steps: ionic steps, at least 1.
        isif: what is relaxed.
        n_electrons: of the neutral cell, or NELECT.
        n_bands: bands.
    """

    tags: Mapping[str, Any]
    move: str
    steps: int
    isif: int
    n_electrons: float
    n_bands: int
    potim: float
    smass: float
    tebeg: float
    teend: float
    nblock: int
    ediff: float
    ediffg: float
    nelm: int
    nelmin: int
    ispin: int
    encut: float
    nedos: int
    free_columns: tuple[bool, bool, bool] = field(default=(True, True, True))

    @property
    def relaxes_cell(self) -> bool:
        """Tell whether the cell moves."""
        moves = self.move in ("quasi-newton", "cg", "damped")
        return moves and self.isif in (3, 4, 5, 6, 7)

    @property
    def moves_ions(self) -> bool:
        """Tell whether a relaxation moves the ions."""
        return self.isif not in (5, 6, 7)

    @property
    def thermostat(self) -> str:
        """Return how temperature is kept: nose, nve, rescale or constant."""
        if self.smass >= 0:
            return "nose"
        return {-1.0: "rescale", -2.0: "constant"}.get(self.smass, "nve")


def resolve(
    tags: Mapping[str, Any],
    potentials: Sequence[Pseudopotential],
    counts: Sequence[int],
) -> Settings:
    """Return the parameters of a run.

    Args:
        tags: of INCAR, typed.
        potentials: of each group of atoms.
        counts: atoms of each group.

    Raises:
        InputError: what is asked for is wrong or not emulated.
    """
    nsw = max(int(tags.get("NSW", 0)), 0)
    ibrion = int(tags.get("IBRION", -1 if nsw == 0 else 0))
    if nsw == 0:
        ibrion = -1
    _check(tags, ibrion, nsw)
    electrons = sum(p.valence * n for p, n in zip(potentials, counts, strict=True))
    electrons = float(tags.get("NELECT", electrons))
    ediff = float(tags.get("EDIFF", 1e-4))
    tebeg = float(tags.get("TEBEG", 0.0))
    limits = tags.get("LATTICE_CONSTRAINTS", [True, True, True])
    return Settings(
        tags=tags,
        move=MOVES[ibrion],
        steps=max(nsw, 1) if ibrion != -1 else 1,
        isif=int(tags.get("ISIF", 0 if ibrion == 0 else 2)),
        n_electrons=electrons,
        n_bands=int(tags.get("NBANDS", _bands(electrons, sum(counts)))),
        potim=float(tags.get("POTIM", 0.5)),
        smass=float(tags.get("SMASS", SMASS_NVE)),
        tebeg=tebeg,
        teend=float(tags.get("TEEND", tebeg)),
        nblock=max(int(tags.get("NBLOCK", 1)), 1),
        ediff=ediff,
        ediffg=float(tags.get("EDIFFG", 10 * ediff)),
        nelm=int(tags.get("NELM", 60)),
        nelmin=int(tags.get("NELMIN", 2)),
        ispin=int(tags.get("ISPIN", 1)),
        encut=float(
            tags.get("ENCUT", tags.get("ENMAX", max(p.enmax for p in potentials)))
        ),
        nedos=int(tags.get("NEDOS", 301)),
        free_columns=(bool(limits[0]), bool(limits[1]), bool(limits[2])),
    )


def _bands(electrons: float, atoms: int) -> int:
    return max(int(np.ceil(0.6 * electrons)), int(np.ceil((electrons + atoms) / 2)), 1)


def _check(tags: Mapping[str, Any], ibrion: int, nsw: int) -> None:
    """Refuse what would run differently in VASP than here."""
    refused = {
        f"IBRION = {ibrion}": ibrion not in MOVES,
        f"ISIF = {tags.get('ISIF')}": tags.get("ISIF", 2) not in range(8),
        "IBRION = 0 without POTIM": ibrion == 0 and nsw > 0 and "POTIM" not in tags,
        f"MDALGO = {tags.get('MDALGO')}": ibrion == 0 and not _known_ensemble(tags),
        f"SMASS = {tags.get('SMASS')}": float(tags.get("SMASS", -3)) < SMASS_NVE,
        "ML_LMLFF": bool(tags.get("ML_LMLFF")),
        "PSTRESS": bool(tags.get("PSTRESS")),
        "LSORBIT": bool(tags.get("LSORBIT")),
        "LNONCOLLINEAR": bool(tags.get("LNONCOLLINEAR")),
        "IMAGES": "IMAGES" in tags,
        "NELM below 1": int(tags.get("NELM", 60)) < 1,
    }
    if wrong := [name for name, is_so in refused.items() if is_so]:
        raise InputError(
            f"ERROR: {', '.join(wrong)} cannot be emulated; known are IBRION -1, 0, 1, "
            "2, 3, ISIF 0 to 7 at zero pressure, and dynamics in NVT (Nosé) or NVE"
        )


def _known_ensemble(tags: Mapping[str, Any]) -> bool:
    algorithm = int(tags.get("MDALGO", 0))
    if algorithm == 1:
        return float(tags.get("ANDERSEN_PROB", 0)) == 0 and "SMASS" not in tags
    return algorithm in (0, 2) and int(tags.get("ISIF", 0)) < 3


def degrees_of_freedom(free: Any, atoms: int) -> int:
    """Return how many coordinates carry temperature.

    Args:
        free: which may move, shape (n_atoms, 3), or None for all.
        atoms: their number.
    """
    return int(np.sum(free)) if free is not None else max(3 * atoms - 3, 1)


def nose_mass(settings: Settings, lattice: FloatArray, freedom: int) -> float:
    """Return SMASS as VASP uses it, amu times the first cell vector's square.

    SMASS = 0 gives the mass with which the temperature oscillates in 40 steps,
    ω² = 2 g k T / Q (S. Nosé, J. Chem. Phys. 81, 511 (1984), doi:10.1063/1.447334).
    """
    if settings.smass != 0:
        return settings.smass
    temperature = max(settings.tebeg, settings.teend)
    period = PERIOD_STEPS * settings.potim
    energy = 2 * freedom * BOLTZMANN * temperature * (period / (2 * np.pi)) ** 2
    return float(energy / AMU / np.sum(lattice[0] ** 2))
