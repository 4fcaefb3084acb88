"""The density of states slice by slice along the normal, and the band edges of each.

From the projections on atoms that VASP writes into vasprun.xml with LORBIT. What lies
between the spheres is in none of them, so heights compare within a slice, edges between
slices.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from ionface.analysis.energies.empty_layer import empty_layer
from ionface.analysis.readers.emulation_mark import emulated_model
from ionface.analysis.readers.vasp_terms import find_vasprun
from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError

STATES = 0.05
"""States per eV and atom above which an energy counts as within a band: tails of a
smearing of 0.05 eV lie below, the free-electron bands of Li above (0.4)."""


@dataclass(frozen=True, repr=False)
class LayerDos(Result):
    """The density of states of slices of a cell.

    Attributes:
        energies: above the Fermi energy, eV, shape (n,).
        edges: heights of the slices' borders along the normal, Å, shape (m + 1,).
        dos: states per eV of each slice, both spins, shape (m, n).
        atoms: number of each species in each slice.
    """

    kind = "dos"
    figure = "ionface.analysis.figures.dos_figure:figure_dos"
    units = {  # noqa: RUF012
        "energies": "eV",
        "edges": "Å",
        "dos": "states/eV",
        "band_edges": "eV",
    }

    energies: FloatArray
    edges: FloatArray
    dos: FloatArray
    atoms: tuple[Mapping[str, int], ...]

    def band_edges(self, states: float = STATES) -> FloatArray:
        """Return the top of the occupied and the bottom of the empty bands, eV.

        Args:
            states: per eV and atom, above which an energy is within a band.

        Returns:
            Above the Fermi energy, shape (m, 2); both 0 for a slice that is metallic,
            NaN where the energies do not reach a band, or a slice has no atom.
        """
        found = np.full((len(self.dos), 2), np.nan)
        for row, (dos, atoms) in enumerate(zip(self.dos, self.atoms, strict=True)):
            if not atoms:
                continue
            inside = self.energies[dos > states * sum(atoms.values())]
            below, above = inside[inside <= 0], inside[inside > 0]
            if len(below):
                found[row, 0] = below.max()
            if len(above):
                found[row, 1] = above.min()
            if found[row, 1] - found[row, 0] < 3 * self._step:
                found[row] = 0.0
        return found

    @property
    def _step(self) -> float:
        return float(np.diff(self.energies).mean())

    def values(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "energies": plain(self.energies),
            "edges": plain(self.edges),
            "dos": plain(self.dos),
            "atoms": plain(self.atoms),
            "band_edges": plain(self.band_edges()),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the densities of plain values."""
        arrays: dict[str, Any] = {
            name: np.asarray(data[name], dtype=np.float64)
            for name in ("energies", "edges", "dos")
        }
        return cls(**arrays, atoms=tuple(data["atoms"]), provenance=provenance)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield one row per slice."""
        edges = self.band_edges()
        for row, atoms in enumerate(self.atoms):
            top, bottom = edges[row]
            yield {
                "from (Å)": float(self.edges[row]),
                "to (Å)": float(self.edges[row + 1]),
                "atoms": " ".join(f"{s}{n}" for s, n in atoms.items()),
                "occupied up to (eV)": float(top),
                "empty from (eV)": float(bottom),
            }

    def summary(self) -> str:
        """Return how many slices have a gap."""
        gaps = np.diff(self.band_edges(), axis=1)[:, 0]
        metallic, known = int((gaps == 0).sum()), int(np.isfinite(gaps).sum())
        told = f"{metallic} of {len(gaps)} slices are metallic"
        if known == metallic:
            return told
        return f"{told}, the widest gap {np.nanmax(gaps):.2f} eV"


def layer_dos(path: str | os.PathLike[str], *, thickness: float = 3.0) -> LayerDos:
    """Return the density of states of slices along the third cell vector.

    Args:
        path: of a vasprun.xml with projections (LORBIT), or its directory.
        thickness: of a slice, Å; made to fit the atoms' extent.

    Raises:
        AnalysisError: the file cannot be read, or has no projections.
    """
    if not thickness > 0:
        raise AnalysisError(f"slices must have a thickness above 0 Å, got {thickness=}")
    file = find_vasprun(Path(path))
    run = _parsed(file)
    structure = run.final_structure
    matrix = structure.lattice.matrix
    period = structure.volume / float(np.linalg.norm(np.cross(matrix[0], matrix[1])))
    top, gap = empty_layer(structure.frac_coords[:, 2])
    # a slab that crosses the border is whole from behind its vacuum on
    above = (structure.frac_coords[:, 2] - top - gap + 1e-9) % 1.0
    low, extent = (top + gap) % 1.0 * period, (1.0 - gap) * period
    count = max(1, round(extent / thickness))
    places = above * period / (extent or 1.0) * count
    slices = np.minimum(places, count - 1).astype(int)
    dos = np.zeros((count, len(run.tdos.energies)))
    atoms: list[dict[str, int]] = [{} for _ in range(count)]
    for place, site, orbitals in zip(slices, structure, run.pdos, strict=True):
        symbol = site.specie.symbol
        atoms[place][symbol] = atoms[place].get(symbol, 0) + 1
        for spins in orbitals.values():
            dos[place] += sum(spins.values())
    return LayerDos(
        energies=np.asarray(run.tdos.energies - run.efermi, dtype=np.float64),
        edges=low + np.linspace(0.0, extent, count + 1),
        dos=dos,
        atoms=tuple(atoms),
        provenance=Provenance(
            emulated=emulated_model(file) is not None, sources=(str(file),)
        ),
    )


def _parsed(file: Path) -> Any:
    from xml.etree.ElementTree import ParseError

    from pymatgen.io.vasp import Vasprun

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unconverged runs and old POTCARs
            run = Vasprun(str(file), parse_eigen=False, parse_potcar_file=False)
            projected = len(run.pdos)
    except (ParseError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise AnalysisError(
            f"{file} gives no density of states ({error}); let the run end, with "
            "LORBIT = 11 (vasp: {keep: [dos]})"
        ) from error
    if projected != len(run.final_structure):
        raise AnalysisError(
            f"{file} has no density of states by atom; run the single point with "
            "LORBIT = 11 (vasp: {keep: [dos]})"
        )
    return run
