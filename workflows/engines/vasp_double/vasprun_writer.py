"""vasprun.xml, growing by one calculation per ionic step."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape

import numpy as np

from ionface.workflows.engines.vasp_double.double_run import Run, Step
from ionface.workflows.engines.vasp_double.electrons import (
    FERMI,
    ScfStep,
    bands,
    density,
)
from ionface.workflows.engines.vasp_double.fortran import fixed
from ionface.workflows.engines.vasp_double.marks import VERSION, mark
from ionface.workflows.engines.vasp_double.poscar_reader import FloatArray
from ionface.workflows.engines.vasp_double.vasprun_parameters import parameters
from ionface.workflows.engines.vasp_double.xml_elements import (
    entry,
    numbers,
    structure,
    varray,
)

KBAR = 1602.176634  # 1 eV/Å³ in kbar


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
        self._put('<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n')
        self._put(_generator(run))
        self._put(_incar(run, overflow))
        self._put(_primitive_cell(run))
        self._put(_k_points(run))
        self._put(parameters(run))
        self._put(_atoms(run))
        self._put(_first_structure(run))
        self.stream.flush()

    def begin(self) -> None:
        """Open a calculation."""
        self._put(" <calculation>\n")

    def electronic(self, step: ScfStep, seconds: float) -> None:
        """Add an electronic step."""
        clock = f"{fixed(seconds, 8, 2)}{fixed(seconds, 8, 2)}"
        self._put(
            f'  <scstep>\n   <time name="dav">{clock}</time>\n'
            f'   <time name="total">{clock}</time>\n   <energy>\n'
            + _energies([(name, step.energy) for name in ENERGIES], 4)
            + "   </energy>\n  </scstep>\n"
        )
        self.stream.flush()

    def ionic(self, step: Step) -> None:
        """Close a calculation."""
        self._put(structure(step.lattice, step.fractional, indent=2))
        self._put(varray("forces", step.point.forces, 2))
        if step.point.stress is not None and self.run.settings.isif > 0:
            self._put(varray("stress", -step.point.stress * KBAR, 2))
        energy = step.point.energy
        named = [(name, energy) for name in ENERGIES]
        if step.thermo is not None:
            t = step.thermo
            named += [("kinetic", t.kinetic), ("lattice kinetic", 0.0)]
            named += [("nosepot", t.nosepot), ("nosekinetic", t.nosekinetic)]
            named += [("total", t.total(energy))]
        self._put("  <energy>\n" + _energies(named, 3) + "  </energy>\n")
        clock = f"{fixed(step.cpu_s, 8, 2)}{fixed(step.wall_s, 8, 2)}"
        self._put(f'  <time name="totalsc">{clock}</time>\n')
        if step.last:
            self._put(_eigenvalues(self.run) + _dos(self.run))
        self._put(" </calculation>\n")
        self.stream.flush()

    def close(
        self,
        lattice: FloatArray,
        fractional: FloatArray,
        velocities: FloatArray | None,
    ) -> None:
        """Write the last geometry and the end."""
        self._put(
            structure(lattice, fractional, name="finalpos", velocities=velocities)
        )
        self._put("</modeling>\n")
        self.stream.close()

    def _put(self, text: str) -> None:
        self.stream.write(text)


ENERGIES = ("e_fr_energy", "e_wo_entrp", "e_0_energy")


def _energies(named: Iterable[tuple[str, float]], indent: int) -> str:
    lead = " " * indent
    return "".join(
        f'{lead}<i name="{name}">{fixed(x, 16, 8)} </i>\n' for name, x in named
    )


def _generator(run: Run) -> str:
    told = escape(mark(run.model))
    rows = {
        "program": "vasp ",
        "version": f"{VERSION}  ",
        "subversion": f"{told} ",
        "platform": f"{told} ",
        "date": time.strftime("%Y %m %d "),
        "time": time.strftime("%H:%M:%S "),
    }
    body = "".join(
        f'  <i name="{key}" type="string">{value}</i>\n' for key, value in rows.items()
    )
    return f" <generator>\n{body} </generator>\n"


def _incar(run: Run, overflow: bool) -> str:
    tags = dict(run.settings.tags)
    body = "".join(entry(name, value, 2) for name, value in tags.items())
    if overflow:
        body += '  <v type="int" name="RANDOM_SEED">******     0     0</v>\n'
    return f" <incar>\n{body} </incar>\n"


def _primitive_cell(run: Run) -> str:
    count = len(run.poscar.fractional)
    rows = "".join(f'   <v type="int" >{i + 1:9d} </v>\n' for i in range(count))
    inner = structure(
        run.poscar.lattice, run.poscar.fractional, name="primitive_cell", indent=2
    )
    return (
        f' <primitive_cell>\n{inner}  <varray name="primitive_index" >\n{rows}'
        "  </varray>\n </primitive_cell>\n"
    )


def _k_points(run: Run) -> str:
    points = run.k_points
    head = ""
    if points.divisions is not None:
        steps = np.diag(1 / np.array(points.divisions, dtype=float))
        vectors = {"usershift": points.shift}
        vectors |= {f"genvec{i + 1}": steps[i] for i in range(3)} | {"shift": (0, 0, 0)}
        rows = "".join(
            f'   <v name="{name}">{numbers(v)}</v>\n' for name, v in vectors.items()
        )
        counts = "".join(f"{n:9d}" for n in points.divisions)
        head = (
            f'  <generation param="{points.style}">\n'
            f'   <v type="int" name="divisions">{counts} </v>\n{rows}  </generation>\n'
        )
    return (
        f" <kpoints>\n{head}{varray('kpointlist', points.points, 2)}"
        f"{varray('weights', points.weights[:, None], 2)} </kpoints>\n"
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
    poscar, moving = run.poscar, None
    if run.settings.move == "dynamics" and poscar.velocities is not None:
        shift = poscar.velocities * run.settings.potim
        moving = shift @ np.linalg.inv(poscar.lattice)
    return structure(
        poscar.lattice,
        poscar.fractional,
        name="initialpos",
        velocities=moving,
        selective=poscar.free,
    )


def _eigenvalues(run: Run) -> str:
    energies, occupations = bands(run.settings)
    rows = "".join(
        f"       <r> {fixed(e, 9, 4)} {fixed(f, 9, 4)} </r>\n"
        for e, f in zip(energies, occupations, strict=True)
    )
    points = "".join(
        f'      <set comment="kpoint {k + 1}">\n{rows}      </set>\n'
        for k in range(len(run.k_points.points))
    )
    spins = "".join(
        f'     <set comment="spin {s + 1}">\n{points}     </set>\n'
        for s in range(run.settings.ispin)
    )
    return (
        '  <eigenvalues>\n   <array>\n    <dimension dim="1">band</dimension>\n'
        '    <dimension dim="2">kpoint</dimension>\n'
        '    <dimension dim="3">spin</dimension>\n    <field>eigene</field>\n'
        f"    <field>occ</field>\n    <set>\n{spins}    </set>\n   </array>\n"
        "  </eigenvalues>\n"
    )


def _dos(run: Run) -> str:
    rows = "".join(
        f"       <r> {fixed(e, 10, 4)} {fixed(d, 10, 4)} {fixed(i, 10, 4)} </r>\n"
        for e, d, i in density(run.settings)
    )
    spins = "".join(
        f'      <set comment="spin {s + 1}">\n{rows}      </set>\n'
        for s in range(run.settings.ispin)
    )
    return (
        f'  <dos>\n   <i name="efermi">{fixed(FERMI, 16, 8)} </i>\n   <total>\n'
        '    <array>\n     <dimension dim="1">gridpoints</dimension>\n'
        '     <dimension dim="2">spin</dimension>\n     <field>energy</field>\n'
        "     <field>total</field>\n     <field>integrated</field>\n     <set>\n"
        f"{spins}     </set>\n    </array>\n   </total>\n  </dos>\n"
    )
