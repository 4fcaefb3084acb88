"""vasprun.xml, growing by one calculation per ionic step."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from ionface.workflows.engines.vasp_double.electrons import (
    FERMI,
    ScfStep,
    bands,
    density,
)
from ionface.workflows.engines.vasp_double.fortran import fixed, integer
from ionface.workflows.engines.vasp_double.geometry import FloatArray
from ionface.workflows.engines.vasp_double.inputs import VERSION, Run
from ionface.workflows.engines.vasp_double.settings import GROUPS
from ionface.workflows.engines.vasp_double.steps import Step

KBAR = 1602.176634  # 1 eV/Å³ in kbar
ENERGIES = ("e_fr_energy", "e_wo_entrp", "e_0_energy")


class VasprunWriter:
    """Writes the file step by step.

    Args:
        path: of the file.
        run: its inputs.
        overflow: print integers that VASP would print as asterisks.
    """

    def __init__(self, path: Path, run: Run, *, overflow: bool = False) -> None:
        self.run = run
        self.stream: TextIO = path.open("w", encoding="iso-8859-1")
        self.stream.write('<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n')
        for text in (
            _generator(run), _incar(run, overflow), _primitive_cell(run),
            _k_points(run), _parameters(run), _atoms(run), _first_structure(run),
        ):  # fmt: skip
            self.stream.write(text)
        self.stream.flush()

    def begin(self) -> None:
        """Open a calculation."""
        self.stream.write(" <calculation>\n")

    def electronic(self, step: ScfStep) -> None:
        """Add an electronic step."""
        clock = fixed(0.0, 8, 2) * 2
        self.stream.write(
            f'  <scstep>\n   <time name="dav">{clock}</time>\n'
            f'   <time name="total">{clock}</time>\n'
            f"{_energies(dict.fromkeys(ENERGIES, step.energy), 3)}  </scstep>\n"
        )
        self.stream.flush()

    def ionic(self, step: Step) -> None:
        """Close a calculation."""
        point, t = step.point, step.thermo
        text = _structure(step.lattice, step.fractional, indent=2)
        text += _varray("forces", point.forces, 2)
        if point.stress is not None and self.run.settings.tags["ISIF"] > 0:
            text += _varray("stress", -point.stress * KBAR, 2)
        energies = dict.fromkeys(ENERGIES, point.energy)
        if t is not None:
            energies |= {"kinetic": t.kinetic, "lattice kinetic": 0.0}
            energies |= {"nosepot": t.nosepot, "nosekinetic": t.nosekinetic}
            energies |= {"total": t.total(point.energy)}
        text += _energies(energies, 2)
        clock = "".join(fixed(seconds, 8, 2) for seconds in step.cpu_wall_s)
        text += f'  <time name="totalsc">{clock}</time>\n'
        if step.last:
            text += _eigenvalues(self.run) + _dos(self.run)
        self.stream.write(f"{text} </calculation>\n")
        self.stream.flush()

    def close(
        self,
        lattice: FloatArray,
        fractional: FloatArray,
        velocities: FloatArray | None,
    ) -> None:
        """Write the last geometry and the end."""
        self.stream.write(
            _structure(lattice, fractional, name="finalpos", velocities=velocities)
        )
        self.stream.write("</modeling>\n")
        self.stream.close()


def _energies(named: Mapping[str, float], indent: int) -> str:
    lead = " " * indent
    body = "".join(
        f'{lead} <i name="{name}">{fixed(x, 16, 8)} </i>\n' for name, x in named.items()
    )
    return f"{lead}<energy>\n{body}{lead}</energy>\n"


def _generator(run: Run) -> str:
    mark = escape(run.mark)
    table = {
        "program": "vasp ",
        "version": f"{VERSION}  ",
        "subversion": f"{mark} ",
        "platform": f"{mark} ",
        "date": time.strftime("%Y %m %d "),
        "time": time.strftime("%H:%M:%S "),
    }
    body = "".join(
        f'  <i name="{key}" type="string">{value}</i>\n' for key, value in table.items()
    )
    return f" <generator>\n{body} </generator>\n"


def _incar(run: Run, overflow: bool) -> str:
    body = "".join(_tag(name, value, 2) for name, value in run.settings.given.items())
    if overflow:
        body += '  <v type="int" name="RANDOM_SEED">******     0     0</v>\n'
    return f" <incar>\n{body} </incar>\n"


def _parameters(run: Run) -> str:
    """Return all tags in use, by VASP's groups."""
    text = ""
    for group, names in GROUPS.items():
        inner = "".join(_tag(name, run.settings.tags[name], 3) for name in names)
        text += f'  <separator name="{group}" >\n{inner}  </separator>\n'
    projected = (
        str(run.settings.given.get("LREAL", False)).strip(".")[:1].upper() != "F"
    )
    text += _tag("LREAL", projected, 2)  # VASP tells whether, not how
    return f" <parameters>\n{text} </parameters>\n"


def _tag(name: str, value: Any, indent: int) -> str:
    """Return a tag as VASP writes it, typed."""
    lead = " " * indent
    if isinstance(value, list):
        kinds = {bool: ' type="logical"', int: ' type="int"'}
        kind = kinds.get(type(value[0]), "") if len(set(map(type, value))) == 1 else ""
        words = "".join(
            ("  T" if x else "  F") if isinstance(x, bool)
            else integer(x, 6) if kind else fixed(float(x), 16, 8)
            for x in value
        )  # fmt: skip
        return f'{lead}<v{kind} name="{name}">{words}</v>\n'
    if isinstance(value, bool):
        return f'{lead}<i type="logical" name="{name}"> {"T" if value else "F"}  </i>\n'
    if isinstance(value, int):
        return f'{lead}<i type="int" name="{name}">{integer(value, 6)}</i>\n'
    if isinstance(value, float):
        return f'{lead}<i name="{name}">{fixed(value, 16, 8)}</i>\n'
    return f'{lead}<i type="string" name="{name}">{escape(str(value))}</i>\n'


def _primitive_cell(run: Run) -> str:
    poscar = run.poscar
    indices = "".join(
        f'   <v type="int" >{n + 1:9d} </v>\n' for n in range(len(poscar.fractional))
    )
    inner = _structure(
        poscar.lattice, poscar.fractional, name="primitive_cell", indent=2
    )
    return (
        f' <primitive_cell>\n{inner}  <varray name="primitive_index" >\n{indices}'
        "  </varray>\n </primitive_cell>\n"
    )


def _k_points(run: Run) -> str:
    points = run.k_points
    steps = np.diag(1 / np.array(points.divisions, dtype=float))
    vectors: dict[str, Iterable[float]] = {"usershift": points.shift}
    vectors |= {f"genvec{i + 1}": steps[i] for i in range(3)} | {"shift": (0, 0, 0)}
    body = "".join(
        f'   <v name="{name}">{_numbers(vector)}</v>\n'
        for name, vector in vectors.items()
    )
    counts = "".join(f"{n:9d}" for n in points.divisions)
    return (
        f' <kpoints>\n  <generation param="{points.style}">\n'
        f'   <v type="int" name="divisions">{counts} </v>\n{body}  </generation>\n'
        f"{_varray('kpointlist', points.points, 2)}"
        f"{_varray('weights', points.weights[:, None], 2)} </kpoints>\n"
    )


def _atoms(run: Run) -> str:
    symbols, counts = run.poscar.symbols, run.poscar.counts
    each = "".join(
        f"    <rc><c>{symbol:2}</c><c>{kind:4d}</c></rc>\n" * count
        for kind, (symbol, count) in enumerate(
            zip(symbols, counts, strict=True), start=1
        )
    )
    kinds = "".join(
        f"    <rc><c>{count:4d}</c><c>{symbol:2}</c><c>{fixed(p.mass, 16, 8)}</c>"
        f"<c>{fixed(p.valence, 16, 8)}</c><c>  {escape(p.title):38}</c></rc>\n"
        for symbol, count, p in zip(symbols, counts, run.potentials, strict=True)
    )
    return (
        f" <atominfo>\n  <atoms>{sum(counts):8d} </atoms>\n"
        f'  <types>{len(counts):8d} </types>\n  <array name="atoms" >\n'
        '   <dimension dim="1">ion</dimension>\n'
        '   <field type="string">element</field>\n'
        '   <field type="int">atomtype</field>\n'
        f"   <set>\n{each}   </set>\n  </array>\n"
        '  <array name="atomtypes" >\n   <dimension dim="1">type</dimension>\n'
        '   <field type="int">atomspertype</field>\n'
        '   <field type="string">element</field>\n   <field>mass</field>\n'
        '   <field>valence</field>\n   <field type="string">pseudopotential</field>\n'
        f"   <set>\n{kinds}   </set>\n  </array>\n </atominfo>\n"
    )


def _first_structure(run: Run) -> str:
    poscar, displacements = run.poscar, None
    if run.settings.dynamics and poscar.velocities is not None:
        shift = poscar.velocities * run.settings.tags["POTIM"]
        displacements = shift @ np.linalg.inv(poscar.lattice)
    return _structure(
        poscar.lattice,
        poscar.fractional,
        name="initialpos",
        velocities=displacements,
        free=poscar.free,
    )


def _structure(
    lattice: FloatArray,
    fractional: FloatArray,
    *,
    name: str = "",
    velocities: FloatArray | None = None,
    free: NDArray[np.bool_] | None = None,
    indent: int = 1,
) -> str:
    """Return a structure element.

    Args:
        lattice: Å, shape (3, 3).
        fractional: shape (n_atoms, 3).
        name: as in "finalpos".
        velocities: fractional per step, shape (n_atoms, 3).
        free: which coordinates may move, shape (n_atoms, 3).
        indent: blanks before it.
    """
    lead = " " * indent
    text = f'{lead}<structure name="{name}" >\n' if name else f"{lead}<structure>\n"
    volume = fixed(abs(float(np.linalg.det(lattice))), 16, 8)
    text += f"{lead} <crystal>\n{_varray('basis', lattice, indent + 2)}"
    text += f'{lead}  <i name="volume">{volume} </i>\n'
    text += _varray("rec_basis", np.linalg.inv(lattice).T, indent + 2)
    text += f"{lead} </crystal>\n{_varray('positions', fractional, indent + 1)}"
    if free is not None:
        text += f'{lead} <varray name="selective"  type="logical" >\n'
        for row in free:
            flags = "".join(" T " if flag else " F " for flag in row)
            text += f'{lead}  <v type="logical" > {flags}</v>\n'
        text += f"{lead} </varray>\n"
    if velocities is not None:
        text += _varray("velocities", velocities, indent + 1)
    return f"{text}{lead}</structure>\n"


def _varray(name: str, values: NDArray[np.floating[Any]], indent: int) -> str:
    """Return rows of numbers, shape (n, m)."""
    lead = " " * indent
    body = "".join(f"{lead} <v> {_numbers(row)}</v>\n" for row in values)
    return f'{lead}<varray name="{name}" >\n{body}{lead}</varray>\n'


def _numbers(values: Iterable[float]) -> str:
    return "".join(fixed(float(x), 16, 8) + " " for x in values)


def _eigenvalues(run: Run) -> str:
    energies, occupations = bands(run.settings)
    table = _records(np.column_stack([energies, occupations]), 9)
    points = "".join(
        f'      <set comment="kpoint {k + 1}">\n{table}      </set>\n'
        for k in range(len(run.k_points.points))
    )
    return (
        '  <eigenvalues>\n   <array>\n    <dimension dim="1">band</dimension>\n'
        '    <dimension dim="2">kpoint</dimension>\n'
        '    <dimension dim="3">spin</dimension>\n    <field>eigene</field>\n'
        f"    <field>occ</field>\n    <set>\n{_spins(run, points)}    </set>\n"
        "   </array>\n  </eigenvalues>\n"
    )


def _dos(run: Run) -> str:
    return (
        f'  <dos>\n   <i name="efermi">{fixed(FERMI, 16, 8)} </i>\n   <total>\n'
        '    <array>\n     <dimension dim="1">gridpoints</dimension>\n'
        '     <dimension dim="2">spin</dimension>\n     <field>energy</field>\n'
        "     <field>total</field>\n     <field>integrated</field>\n     <set>\n"
        f"{_spins(run, _records(density(run.settings), 10))}     </set>\n"
        "    </array>\n   </total>\n  </dos>\n"
    )


def _records(table: FloatArray, width: int) -> str:
    return "".join(
        f"       <r> {' '.join(fixed(x, width, 4) for x in row)} </r>\n"
        for row in table
    )


def _spins(run: Run, inner: str) -> str:
    """Return the same for each spin."""
    return "".join(
        f'     <set comment="spin {spin + 1}">\n{inner}     </set>\n'
        for spin in range(run.settings.tags["ISPIN"])
    )
