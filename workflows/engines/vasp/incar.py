"""INCAR of each kind of job, as a pure function of protocol, settings and cell.

    relax    positions in a fixed cell (a and b too where asked), conjugate gradients
    static   one energy; LREAL off, so that projection errors do not enter the ledger
    dynamics NVT with a Nosé-Hoover thermostat, Γ-only, cheaper grids

`Value`s of the protocol's choices come first, then the job's keys, then the user's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from monty.json import MSONable
from pymatgen.core import Structure
from pymatgen.io.vasp import PotcarSingle

from ionface.errors import IonfaceError
from ionface.structures.ledger_cell import CellContext, context, dipole_center
from ionface.structures.specs import Cell
from ionface.workflows.engines.contract import (
    DynamicsSettings,
    RelaxSettings,
    check_timestep,
)
from ionface.workflows.engines.vasp.hubbard import by_element, hubbard_keys
from ionface.workflows.engines.vasp.potcars import has_library, read_potcar
from ionface.workflows.study.protocols import Protocol, protocol
from ionface.workflows.study.vasp_settings import DISPERSIONS, VaspSettings

FUNCTIONALS = {"PBE": "PE"}
KEPT: Mapping[str, Mapping[str, Any]] = {
    "potential": {"LVHAR": True},
    "charge": {"LCHARG": True, "LAECHG": True},
    "dos": {"LORBIT": 11},
}
"""What of a single point is written besides its energy."""

SLOSHING = 50.0  # Å; VASP's manual asks for a smaller AMIN in longer metallic cells
CONSTRAINTS = {"normal": [False, False, True], "in-plane": [True, True, False]}
"""Which Cartesian directions a relaxation moves (LATTICE_CONSTRAINTS)."""

PULAY = 1.3  # times the cutoff for lattices of bulk crystals, as VASP's manual has it

NOSE_PERIOD = 40.0  # steps; what VASP takes for SMASS = 0


@dataclass(frozen=True)
class PlaneWaves(MSONable):
    """Protocol and overrides together: everything that fixes an INCAR but the job.

    Attributes:
        protocol: the paper's choices.
        settings: the study's.
        emulated: of a subclass for a stand-in: what it costs says nothing of VASP.
    """

    protocol: Protocol
    settings: VaspSettings
    emulated: ClassVar[bool] = False

    def as_dict(self) -> dict[str, Any]:
        """Return plain values; the protocol goes by its name."""
        return {
            "@module": type(self).__module__,
            "@class": type(self).__name__,
            "protocol": self.protocol.name,
            "settings": asdict(self.settings),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return what `as_dict` wrote."""
        settings = {k: v for k, v in data["settings"].items() if k[:1] != "@"}
        return cls(protocol(data["protocol"]), VaspSettings(**settings))

    def k_spacing(self, cell: CellContext) -> float:
        """Return the largest distance between k-points of energies, Å⁻¹."""
        name = "k_spacing_metal" if cell.metal else "k_spacing"
        chosen = self.settings.k_spacing or self.protocol.choice(name)
        assert isinstance(chosen, float | int)
        return float(chosen)

    @property
    def mesh_rule(self) -> str:
        """Return the rule of the k-points of energies, in words."""
        if chosen := self.settings.k_spacing:
            return f"Gamma, {chosen:g} per Å"
        other, metal = map(self.protocol.choice, ("k_spacing", "k_spacing_metal"))
        return f"Gamma, {other} per Å, {metal} with a metal"

    @property
    def cutoff(self) -> float:
        """Return ENCUT, eV."""
        return float(self.settings.incar.get("ENCUT", self.protocol.cutoff))

    @property
    def potcar_functional(self) -> str:
        """Return the release of the POTCAR library."""
        return self.settings.potcar_functional or str(self.protocol.choice("potcars"))

    def potcar(self, symbol: str) -> PotcarSingle:
        """Return the POTCAR of a name, as in "Ge_d".

        Raises:
            IonfaceError: there is none.
        """
        return read_potcar(symbol, self.potcar_functional)

    @property
    def has_potcars(self) -> bool:
        """Tell whether POTCARs can be had on this machine."""
        return has_library()

    def dipole(self, cell: CellContext) -> bool:
        """Tell whether energies in this cell get the dipole correction of a slab.

        Raises:
            IonfaceError: it is asked for where there is no vacuum.
        """
        if self.settings.dipole == "on" and not cell.vacuum:
            raise IonfaceError(
                "vasp.dipole: on contradicts vacuum: 0; a sandwich has two interfaces "
                "and no vacuum in which the potential could step: set dipole to auto, "
                "or give the interface a vacuum"
            )
        slab = cell.vacuum > 0 and not cell.isolated
        return self.settings.dipole != "off" and slab


def relax_incar(
    waves: PlaneWaves, structure: Structure, job: RelaxSettings
) -> dict[str, Any]:
    """Return the INCAR of a relaxation, without the dipole correction's first stage."""
    cell = context(structure)
    moved = _moved(waves.settings, job, cell)
    preparing = job.like_dynamics
    own: dict[str, Any] = {
        "IBRION": 2,
        "NSW": job.steps,
        "EDIFFG": -job.fmax,
        "LREAL": "Auto",
        "NELMIN": 4,
        "LWAVE": True,
        **_cell_keys(moved, structure),
    }
    if moved == "full" and cell.part == "alone":
        # a basis for the first cell presses on the others: Pulay stress
        own["ENCUT"] = round(PULAY * waves.cutoff)
    dipole = {} if preparing else _dipole(waves, cell, structure)
    return _merged(waves, own | dipole, structure)


def static_incar(waves: PlaneWaves, structure: Structure) -> dict[str, Any]:
    """Return the INCAR of a single-point energy."""
    own: dict[str, Any] = {"NSW": 0, "IBRION": -1, "LREAL": False, "LWAVE": True}
    for name in waves.settings.keep:
        own |= KEPT[name]
    dipole = _dipole(waves, context(structure), structure)
    return _merged(waves, own | dipole, structure)


def dynamics_incar(
    waves: PlaneWaves, structure: Structure, job: DynamicsSettings
) -> dict[str, Any]:
    """Return the INCAR of one segment of NVT dynamics.

    Raises:
        IonfaceError: hydrogen with a time step above 1 fs that nobody insisted on, or
            a thermostat period that SMASS = 0 does not have.
    """
    if not waves.settings.fast_hydrogen:
        check_timestep(structure, job.timestep, "vasp: {fast_hydrogen: true}")
    if job.period != NOSE_PERIOD and "SMASS" not in waves.settings.incar:
        raise IonfaceError(
            f"a thermostat period of {job.period:g} steps is not VASP's (SMASS = 0 "
            f"oscillates in {NOSE_PERIOD:g} steps); give the mass itself in "
            "vasp.incar: SMASS"
        )
    own = {
        "IBRION": 0,
        "MDALGO": 2,
        "SMASS": 0,
        "POTIM": job.timestep,
        "TEBEG": job.temperature,
        "TEEND": job.temperature,
        "NSW": job.steps,
        "ISIF": 2,
        "NBLOCK": 1,
        "PREC": "Normal",
        "LREAL": "Auto",
        "NELMIN": 4,
        "MAXMIX": 40,
        "LWAVE": True,
    }
    return _merged(waves, own, structure)


def first_stage(incar: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the INCAR of the convergence before the dipole correction is switched on.

    The potential of an unconverged charge steps wildly; with LDIPOL from the start the
    electrons often never converge.

    Returns:
        None where there is no dipole correction.
    """
    if not incar.get("LDIPOL"):
        return None
    dropped = ("LDIPOL", "IDIPOL", "DIPOL", "EDIFFG", "ISIF", "LATTICE_CONSTRAINTS")
    kept = {key: value for key, value in incar.items() if key not in dropped}
    return kept | {"NSW": 0, "IBRION": -1, "LWAVE": True}


def static_incar_keys(waves: PlaneWaves) -> dict[str, Any]:
    """Return the keys of an energy that do not depend on the cell."""
    return dict(
        sorted({**_common(waves), "LREAL": False, **waves.settings.incar}.items())
    )


def _common(waves: PlaneWaves) -> dict[str, Any]:
    protocol, settings = waves.protocol, waves.settings
    keys = {c.name: c.value for c in protocol.choices if c.name.isupper()}
    common: dict[str, Any] = {
        "GGA": FUNCTIONALS[protocol.functional],
        "ENCUT": protocol.cutoff,
        "EDIFF": protocol.ediff,
        "PREC": "Accurate",
        "NELM": 200,
        "LCHARG": False,
        **keys,
        **hubbard_keys(settings.incar),
    }
    if settings.dispersion:
        common["IVDW"] = DISPERSIONS[settings.dispersion]
    for key in ("ncore", "kpar"):
        if value := getattr(settings, key):
            common[key.upper()] = value
    return common


def _merged(
    waves: PlaneWaves, own: Mapping[str, Any], structure: Structure
) -> dict[str, Any]:
    keys = {**_common(waves), **own, **_mixing(structure), **waves.settings.incar}
    return dict(sorted(by_element(keys, structure.symbol_set).items()))


def _mixing(structure: Structure) -> dict[str, Any]:
    """Return how charge is mixed where it would slosh along a long cell with a metal.

    Source of the values: MVLSlabSet of pymatgen, and VASP's advice on AMIN for slabs.
    """
    longest = max(structure.lattice.abc)
    if longest <= SLOSHING or not context(structure).metal:
        return {}
    return {"AMIN": 0.01, "BMIX": 0.001}


def _dipole(
    waves: PlaneWaves, cell: CellContext, structure: Structure
) -> dict[str, Any]:
    if not waves.dipole(cell):
        return {}
    return {"IDIPOL": 3, "LDIPOL": True, "DIPOL": dipole_center(structure)}


def _moved(settings: VaspSettings, job: RelaxSettings, cell: CellContext) -> Cell:
    """Return what moves of a cell; projects made earlier say it in `vasp.cell`."""
    if job.cell == "fixed" and cell.part == "interface" and cell.vacuum:
        return settings.cell
    return job.cell


def _cell_keys(moved: Cell, structure: Structure) -> dict[str, Any]:
    """Return how the cell may change.

    ISIF = 3 alone would let a vacuum collapse; LATTICE_CONSTRAINTS (relaxations: VASP
    6.4 and later) sets rows and columns of the stress to zero. So it keeps the plane
    where the normal is Cartesian z, and the normal where the third vector lies along
    it, too; that of a sandwich may lean.
    """
    if moved == "fixed":
        return {"ISIF": 2}
    if moved == "full":
        return {"ISIF": 3}
    matrix = structure.lattice.matrix
    off = [*matrix[:2, 2]] if moved == "normal" else [*matrix[:2, 2], *matrix[2, :2]]
    if np.abs(off).max() > 1e-6:
        needed = "" if moved == "normal" else "the third cell vector along z and "
        raise IonfaceError(
            f"cell: {moved} needs {needed}the others across z; set cell to fixed"
        )
    return {"ISIF": 3, "LATTICE_CONSTRAINTS": CONSTRAINTS[moved]}
