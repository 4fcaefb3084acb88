"""The four input files of one VASP run, through atomate2's input generator.

`VaspRun` is what has to be known; `write` puts INCAR, KPOINTS, POSCAR and POTCAR (or
POTCAR.spec) into a folder. Sites are sorted by species; `order` maps them back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from atomate2.vasp.sets.base import VaspInputGenerator
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.vasp import Incar, Kpoints, Poscar, PotcarSingle

from ionface.structures.ledger_cell import context, movable, poscar_order
from ionface.workflows.engines.k_mesh import mesh
from ionface.workflows.engines.vasp.incar import PlaneWaves
from ionface.workflows.engines.vasp.potcars import (
    PotcarRecord,
    potcar_records,
    potcar_symbols,
)

RECORD_FILE = "potcars.json"


@dataclass(frozen=True)
class VaspRun:
    """Everything that one VASP run is given.

    Attributes:
        waves: protocol and settings.
        structure: in the caller's site order.
        incar: keys and values.
        spacing: of the k-points, Å⁻¹; None for Γ alone.
    """

    waves: PlaneWaves
    structure: Structure
    incar: dict[str, Any]
    spacing: float | None

    @property
    def order(self) -> NDArray[np.intp]:
        """Return which site stands where in the POSCAR."""
        return poscar_order(self.structure)

    @property
    def symbols(self) -> dict[str, str]:
        """Return the POTCAR of each element, in POSCAR's order."""
        elements = dict.fromkeys(
            self.structure[int(i)].specie.symbol for i in self.order
        )
        return potcar_symbols(elements, self.waves.settings.potcars)

    def kpoints(self) -> Kpoints:
        """Return KPOINTS."""
        return kpoints(self.structure, self.spacing)

    def poscar(self, velocities: NDArray[np.float64] | None = None) -> Poscar:
        """Return POSCAR, with selective dynamics where a site is fixed.

        Args:
            velocities: of the caller's sites, Å/fs, shape (n_atoms, 3).
        """
        order = self.order
        free = movable(self.structure)[order]
        sites = [self.structure[int(i)] for i in order]
        ordered = Structure(
            self.structure.lattice,
            [site.specie.symbol for site in sites],
            [site.frac_coords for site in sites],
        )
        return Poscar(
            ordered,
            comment=ordered.composition.formula,
            selective_dynamics=None if free.all() else [[bool(f)] * 3 for f in free],
            velocities=None if velocities is None else velocities[order].tolist(),
            sort_structure=False,
        )

    def generator(self) -> VaspInputGenerator:
        """Return atomate2's generator with exactly these settings and no others."""
        return VaspInputGenerator(
            config_dict={
                "INCAR": dict(self.incar),
                "KPOINTS": {},
                "POTCAR": self.symbols,
                "POTCAR_FUNCTIONAL": self.waves.potcar_functional,
            },
            user_incar_settings=dict(self.incar),
            user_kpoints_settings=self.kpoints(),
            sort_structure=False,
            validate_magmom=False,
        )

    def as_incar(self) -> Incar:
        """Return the INCAR as it will be written."""
        generator = self.generator()
        generator.structure = self.poscar().structure
        return generator.incar

    def potcars(self) -> list[PotcarRecord]:
        """Return what may be told of the POTCARs.

        Raises:
            IonfaceError: one is missing or does not converge at the cutoff.
        """
        return potcar_records(self.read_potcars(), self.waves.cutoff)

    def read_potcars(self) -> dict[str, tuple[str, PotcarSingle]]:
        """Return name and content of each element's POTCAR, in POSCAR's order."""
        return {
            element: (symbol, self.waves.potcar(symbol))
            for element, symbol in self.symbols.items()
        }


def write(
    run: VaspRun,
    folder: Path,
    *,
    velocities: NDArray[np.float64] | None = None,
    poscar: bytes | None = None,
    spec: bool = False,
) -> None:
    """Write the input files of a run.

    Args:
        run: what it is given.
        folder: is made.
        velocities: of the caller's sites, Å/fs, shape (n_atoms, 3).
        poscar: a CONTCAR to continue from, byte for byte, instead of the structure.
        spec: write POTCAR.spec (names) instead of POTCAR.

    Raises:
        IonfaceError: a POTCAR is missing or does not converge at the cutoff.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run.as_incar().write_file(folder / "INCAR")
    run.kpoints().write_file(folder / "KPOINTS")
    if poscar is None:
        run.poscar(velocities).write_file(folder / "POSCAR", significant_figures=16)
    else:
        (folder / "POSCAR").write_bytes(poscar)
    if spec:
        (folder / "POTCAR.spec").write_text("\n".join(run.symbols.values()) + "\n")
        return
    potcars = run.read_potcars()
    records = [record.as_dict() for record in potcar_records(potcars, run.waves.cutoff)]
    texts = [potcar.data for _, potcar in potcars.values()]
    (folder / "POTCAR").write_text("".join(text.rstrip("\n") + "\n" for text in texts))
    (folder / RECORD_FILE).write_text(json.dumps(records, indent=2) + "\n")


def kpoints(structure: Structure, spacing: float | None) -> Kpoints:
    """Return the KPOINTS of a structure."""
    divisions = mesh(context(structure), spacing)
    return Kpoints.gamma_automatic(kpts=divisions, shift=(0, 0, 0))
