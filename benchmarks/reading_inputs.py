"""The files of the reading benchmark: one vibrating system in VASP's layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

LATTICE = np.diag([10.0, 20.0, 35.0])  # Å
SPECIES = {"In": 92, "S": 80, "Li": 60, "Cl": 40, "P": 28}
TIMESTEP = 2.0  # fs
SCF_STEPS = 5  # of each ionic step: 42.5 kB of vasprun.xml with 300 atoms
VIBRATION = 0.01  # of a cell vector
TOGETHER = 50  # frames drawn at once

Array = np.ndarray


def numbers(atoms: int) -> list[int]:
    """Return how many atoms each species has of so many in all."""
    counts = [n * atoms // 300 for n in SPECIES.values()]
    counts[0] += atoms - sum(counts)
    return counts


def symbols(atoms: int) -> list[str]:
    """Return a symbol for each atom, in VASP's order: one species after another."""
    counts = zip(SPECIES, numbers(atoms), strict=True)
    return [symbol for symbol, n in counts for _ in range(n)]


def fractions(frames: int, atoms: int) -> Iterator[tuple[int, Array]]:
    """Yield the first frame's number and some frames, eight decimals."""
    rng = np.random.default_rng(0)
    rest = rng.random((atoms, 3))
    for start in range(0, frames, TOGETHER):
        count = min(TOGETHER, frames - start)
        noise = VIBRATION * rng.standard_normal((count, atoms, 3))
        yield start, np.mod(np.round(rest + noise, 8), 1.0)


def write_xdatcar(path: Path, frames: int, atoms: int = 300) -> None:
    counts = numbers(atoms)
    with path.open("w") as out:
        out.write("vibrating\n           1\n")
        out.writelines("".join(f"{x:12.6f}" for x in row) + "\n" for row in LATTICE)
        out.write("".join(f"{s:>5}" for s in SPECIES) + "\n")
        out.write("".join(f"{n:6d}" for n in counts) + "\n")
        row = " %12.8f%12.8f%12.8f\n"
        for start, some in fractions(frames, atoms):
            for label, frame in enumerate(some, start + 1):
                out.write(f"Direct configuration={label:6d}\n")
                out.write(row * atoms % tuple(frame.ravel()))
    (path.parent / "INCAR").write_text(f"IBRION = 0\nPOTIM = {TIMESTEP}\nNBLOCK = 1\n")


def write_vasprun(path: Path, frames: int, atoms: int = 300) -> None:
    names = symbols(atoms)
    kinds = "".join(
        f"    <rc><c>{n:4d}</c><c>{s:2}</c><c>     1.00000000</c><c>  1.0</c>"
        f"<c>PAW_PBE {s}</c></rc>\n" for s, n in SPECIES.items()
    )  # fmt: skip
    each = "".join(f"    <rc><c>{s:2}</c><c>   1</c></rc>\n" for s in names)
    tags = (
        '  <i type="int" name="IBRION">     0</i>\n'
        f'  <i name="POTIM">{TIMESTEP:16.8f}</i>\n'
        '  <i type="int" name="NBLOCK">     1</i>\n'
    )
    row = "    <v> %16.8f %16.8f %16.8f </v>\n"
    rng = np.random.default_rng(1)
    forces = row[1:] * atoms % tuple(rng.normal(0, 1, 3 * atoms))
    with path.open("w") as out:
        out.write(
            '<?xml version="1.0" encoding="ISO-8859-1"?>\n<modeling>\n <generator>\n'
            '  <i name="program" type="string">vasp </i>\n'
            '  <i name="version" type="string">6.4.3  </i>\n </generator>\n'
            f" <incar>\n{tags} </incar>\n"
            ' <kpoints>\n  <varray name="kpointlist" >\n'
            f"   <v>{3 * ' %16.8f' % (0, 0, 0)} </v>\n  </varray>\n"
            '  <varray name="weights" >\n'
            "   <v>       1.00000000 </v>\n  </varray>\n </kpoints>\n"
            ' <parameters>\n  <separator name="electronic" >\n'
            '   <i type="int" name="NELM">    60</i>\n  </separator>\n'
            f"{tags} </parameters>\n <atominfo>\n  <atoms>{atoms:8d} </atoms>\n"
            f'  <types>{len(SPECIES):8d} </types>\n  <array name="atoms" >\n'
            '   <dimension dim="1">ion</dimension>\n'
            '   <field type="string">element</field>\n'
            '   <field type="int">atomtype</field>\n'
            f"   <set>\n{each}   </set>\n  </array>\n"
            f'  <array name="atomtypes" >\n   <set>\n{kinds}   </set>\n  </array>\n'
            " </atominfo>\n"
        )
        first = next(fractions(1, atoms))[1][0]
        out.write(_structure(row * atoms % tuple(first.ravel()), ' name="initialpos" '))
        for start, some in fractions(frames, atoms):
            for number, frame in enumerate(some, start):
                positions = row * atoms % tuple(frame.ravel())
                out.write(_calculation(number, _structure(positions, ""), forces))
        last = _structure(positions, ' name="finalpos" ')
        out.write(f"{last}</modeling>\n")


def _calculation(number: int, structure: str, forces: str) -> str:
    energy = -1000.0 - number % 7 / 8
    parts = ("alphaZ", "ewald", "hartreedc", "XCdc", "pawpsdc", "pawaedc", "eentropy",
             "bandstr", "atom", "e_fr_energy", "e_wo_entrp", "e_0_energy")  # fmt: skip
    named = "".join(f'    <i name="{n}">{energy:16.8f} </i>\n' for n in parts)
    electronic = (
        '  <scstep>\n   <time name="dav">    9.89    1.65</time>\n'
        '   <time name="total">    9.98    1.66</time>\n'
        f"   <energy>\n{named}   </energy>\n  </scstep>\n"
    ) * SCF_STEPS
    ionic = "".join(
        f'   <i name="{name}">{energy:16.8f} </i>\n'
        for name in ("e_fr_energy", "e_wo_entrp", "e_0_energy", "kinetic",
                     "lattice kinetic", "nosepot", "nosekinetic", "total")
    )  # fmt: skip
    return (
        f" <calculation>\n{electronic}{structure}"
        f'  <varray name="forces" >\n{forces}  </varray>\n'
        f"  <energy>\n{ionic}  </energy>\n"
        '  <time name="totalsc">   23.71    3.95</time>\n </calculation>\n'
    )


def _structure(positions: str, name: str) -> str:
    def table(title: str, rows: Array) -> str:
        lines = "".join(
            f"     <v>{''.join(f' {x:16.8f}' for x in row)} </v>\n" for row in rows
        )
        return f'    <varray name="{title}" >\n{lines}    </varray>\n'

    reciprocal = np.linalg.inv(LATTICE).T
    return (
        f"  <structure{name}>\n   <crystal>\n{table('basis', LATTICE)}"
        f'    <i name="volume">{np.linalg.det(LATTICE):16.8f} </i>\n'
        f"{table('rec_basis', reciprocal)}   </crystal>\n"
        f'   <varray name="positions" >\n{positions}   </varray>\n  </structure>\n'
    )
