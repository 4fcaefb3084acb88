"""A gallery of forms: what is read of each kind of file, whoever wrote it.

The next odd file is one more line of FORMS. The table in docs/reading.md is what these
tests find: `pytest tests/analysis/readers/test_forms.py --rewrite-docs` writes it anew.
"""

import bz2
import gzip
import lzma
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from ionface.analysis.readers import open_trajectory
from ionface.errors import AnalysisError

DOCS = Path(__file__).parents[3] / "docs" / "reading.md"
BEGIN, END = "<!-- forms: begin -->\n", "<!-- forms: end -->"
PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
UNITS = {"units": "metal", "time": True}


# --- writers ------------------------------------------------------------------------


def images(run):
    made = []
    for i, frame in enumerate(run.positions):
        atoms = ase.Atoms(run.species, frame, cell=run.lattice, pbc=True)
        atoms.calc = SinglePointCalculator(atoms, energy=run.energy(i))
        made.append(atoms)
    return made


def written(run, path, **changes):
    made = images(run)
    for atoms in made:
        for name, value in changes.items():
            setattr(atoms, name, value)
    ase.io.write(path, made)


def typed(run, text, titles=True):
    """Return a vasprun.xml with its table of types, in which indium is cut to "n "."""
    kinds = "".join(
        f"<rc><c>{n}</c><c>{s}</c><c>1.0</c><c>1.0</c><c>PAW_PBE {t} 08Apr2002</c></rc>"
        for n, s, t in zip(run.counts, ("n", "S"), ("In_d", "S"), strict=True)
    )
    table = f' <array name="atomtypes"><set>{kinds}</set></array>\n'
    text = text.replace("<c>In</c>", "<c>n </c>").replace(
        "<c>S </c><c>   1<", "<c>S </c><c>   2<"
    )
    return text.replace(" </atominfo>", table * titles + " </atominfo>")


def part(run, start, stop):
    segment = replace(run, fractional=run.fractional[start:stop])
    return gzip.compress(segment.vasprun().encode())


def labeled(run):
    """Return an XDATCAR with a symbol behind each row of coordinates."""
    lines = run.xdatcar().splitlines()
    for frame in range(8, len(lines), 1 + len(run.species)):
        for n, symbol in enumerate(run.species):
            lines[frame + n] += f" {symbol}"
    return "\n".join(lines) + "\n"


def exchanged(text, first, second):
    lines = text.splitlines(keepends=True)
    lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)


def nine_columns(text):
    return re.sub(r"(( +0\.250000){3})\n", r"\1\1\n", text)


def energy_first(run):
    """Return an OUTCAR in the order of VASP 5.2."""
    head, *steps = re.split(r"(?=^-+ Iteration)", run.outcar(), flags=re.MULTILINE)
    energies = r"  free  energy .*\n\n  energy  without .*\n"
    moved = []
    for step in steps:
        found = re.search(energies, step)[0]
        first, rest = step.replace(found, "").split("\n", 1)
        moved.append(f"{first}\n{found}{rest}")
    return head + "".join(moved)


def without_names(text):
    titles = " POTCAR:    PAW_PBE In_d 06Sep2000\n POTCAR:    PAW_PBE S 06Sep2000\n"
    return re.sub(r"( +VRHFIN.*\n)+", titles, text)


def many_types(text):
    """Return an OUTCAR whose five atoms are of five types, told in two lines."""
    text = re.sub(r"( +VRHFIN.*\n)+", "".join(
        f"   VRHFIN ={s}: x\n" for s in ("In", "In", "S ", "S ", "S ")
    ), text)  # fmt: skip
    counts = "   ions per type =               1   1   1\n" + " " * 32 + "1   1\n"
    return re.sub(r".*ions per type.*\n", counts, text)


def turned_box(run):
    """Return a dump whose box is told by its three vectors and its origin."""
    vectors = "".join(f"{x} {y} {z} 0.0\n" for x, y, z in run.lattice)
    box = f"ITEM: BOX BOUNDS abc origin pp pp pp\n{vectors}"
    return re.sub(r"ITEM: BOX BOUNDS.*\n(.*\n){3}", box, run.dump())


# --- the gallery --------------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """One form of a file.

    Attributes:
        kind: of file.
        writer: what writes it so.
        form: what is particular about it.
        name: of the file.
        content: its text or bytes, of a run; or what writes it to a path.
        species: where they are others than the run's.
        options: of `open_trajectory`.
        beside: further files of the folder, by name; it is then opened as a folder
            where `name` is empty.
    """

    kind: str
    writer: str
    form: str
    name: str
    content: Callable[..., Any]
    species: tuple[str, ...] = ("In", "In", "S", "S", "S")
    options: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Callable[..., Any]] = field(default_factory=dict)


ANY = "any"
ML = "   ML_LMLFF = .TRUE.\n"
ML_XML = '  <i type="logical" name="ML_LMLFF"> T  </i>\n'
INCAR = {"INCAR": lambda run: "IBRION = 0\nPOTIM = 2.0\n"}
SELECTIVE = " <varray name='selective'>" + "<v> F F F </v>" * 5 + "</varray>"
EXT = 'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T" '
FLAT = 'Lattice="8 0 0 1.5 9 0 0 0 0" Properties=species:S:1:pos:R:3 pbc="T T F"'

FORMS = [
    Form("vasprun.xml", "VASP 5, 6", "MD", "vasprun.xml", lambda r: r.vasprun()),
    *(
        Form("vasprun.xml", ANY, suffix, f"vasprun.xml{suffix}",
             lambda r, pack=pack: pack(r.vasprun().encode()))
        for suffix, pack in PACK.items()
    ),
    Form("vasprun.xml", "VASP", "killed in a step", "vasprun.xml",
         lambda r: r.vasprun()[:-2000]),
    Form("vasprun.xml", "VASP", "symbol cut: In as `n`; title whole",
         "vasprun.xml", lambda r: typed(r, r.vasprun())),
    Form("vasprun.xml", "VASP", "symbol cut, no title", "vasprun.xml",
         lambda r: typed(r, r.vasprun(), titles=False)),
    Form("vasprun.xml", "VASP", "the same, and the user says which", "vasprun.xml",
         lambda r: typed(r, r.vasprun(), titles=False),
         options={"species": {"n": "In"}}),
    Form("vasprun.xml", "VASP", "all atoms fixed", "vasprun.xml",
         lambda r: r.vasprun(selective=SELECTIVE)),
    Form("vasprun.xml", "VASP", "machine-learned forces", "vasprun.xml",
         lambda r: r.vasprun(tags=ML_XML)),
    Form("vasprun.xml", "users", "two runs in one file", "vasprun.xml",
         lambda r: r.vasprun() + r.vasprun()),
    Form("vasprun.xml", "users", "300K_vasprun.xml", "300K_vasprun.xml",
         lambda r: r.vasprun()),
    Form("folder", "atomate", "vasprun.xml.relax1.gz, .relax2.gz", "",
         lambda r: None, beside={
             "vasprun.xml.relax1.gz": lambda r: part(r, 0, 3),
             "vasprun.xml.relax2.gz": lambda r: part(r, 2, 6)}),
    Form("XDATCAR", "VASP 5, 6", "beside its INCAR", "XDATCAR",
         lambda r: r.xdatcar(), beside=INCAR),
    Form("XDATCAR", "custodian", "everything .gz", "XDATCAR.gz",
         lambda r: gzip.compress(r.xdatcar().encode()),
         beside={"INCAR.gz": lambda r: gzip.compress(INCAR["INCAR"](r).encode())}),
    Form("XDATCAR", "VASP ≥ 6.4.2", "names with hashes: In_d/1a2b3c4d, S/", "XDATCAR",
         lambda r: r.xdatcar().replace("   In   S\n", "  In_d/1a2b3c4d  S/\n")),
    Form("XDATCAR", "VASP 4", "no symbols", "XDATCAR",
         lambda r: r.xdatcar().replace("   In   S\n", "")),
    Form("XDATCAR", "VASP", "a header for each frame", "XDATCAR",
         lambda r: re.sub(r"^(?=Direct conf)", "".join(
             r.xdatcar().splitlines(keepends=True)[:7]), r.xdatcar().split("\n", 7)[7],
             flags=re.MULTILINE)),
    Form("XDATCAR", "p4vasp and others", "symbols behind the rows", "XDATCAR",
         labeled),
    Form("XDATCAR", "p4vasp and others", "two of these rows exchanged", "XDATCAR",
         lambda r: exchanged(labeled(r), 15, 17)),
    Form("XDATCAR", ANY, "Cartesian configurations", "XDATCAR",
         lambda r: r.xdatcar().replace("Direct", "Cartesian")),
    Form("XDATCAR", "users", "the same twice in one file", "XDATCAR",
         lambda r: r.xdatcar() * 2, beside=INCAR),
    Form("OUTCAR", "VASP 6", "MD", "OUTCAR", lambda r: r.outcar()),
    Form("OUTCAR", "users", "the same twice in one file", "OUTCAR",
         lambda r: r.outcar() * 2),
    Form("OUTCAR", "VASP 5.2", "the energy above the table", "OUTCAR", energy_first),
    Form("OUTCAR", "VASP, IVDW = 2x", "nine columns", "OUTCAR",
         lambda r: nine_columns(r.outcar())),
    Form("OUTCAR", "VASP, NWRITE = 0", "titles of the POTCARs only", "OUTCAR",
         lambda r: without_names(r.outcar())),
    Form("OUTCAR", "VASP", "types in several lines", "OUTCAR",
         lambda r: many_types(r.outcar())),
    Form("OUTCAR", "VASP", "symbol cut, title whole", "OUTCAR",
         lambda r: r.outcar().replace("VRHFIN =In:", "VRHFIN =n:").replace(
             "   VRHFIN =n: s2p1\n   VRHFIN =S : s2p4\n",
             "   VRHFIN =n: s2p1\n   TITEL  = PAW_PBE In_d 06Sep2000\n"
             "   VRHFIN =S : s2p4\n   TITEL  = PAW_PBE S 06Sep2000\n")),
    Form("OUTCAR", "VASP", "machine-learned forces", "OUTCAR",
         lambda r: r.outcar(ML)),
    Form("OUTCAR", "users", "6362_OUTCAR", "6362_OUTCAR", lambda r: r.outcar()),
    Form("vaspout.h5", "VASP 6", "MD", "vaspout.h5",
         lambda r: r.vaspout),
    Form("vaspout.h5", "VASP ≥ 6.4.2", "names with hashes", "vaspout.h5",
         lambda r: partial(r.vaspout, names=("In_d/1a2b3c4d", "S/"))),
    Form(".traj", "ASE", "MD", "run.traj",
         lambda r: partial(written, r)),
    Form(".traj", "ASE", "a dummy atom X", "run.traj",
         lambda r: partial(written, r, symbols="InInSSX")),
    Form("extended xyz", "ASE", "MD", "run.extxyz",
         lambda r: partial(written, r)),
    Form("extended xyz", "ASE", "slab without a third vector", "run.extxyz",
         lambda r: r.xyz(FLAT)),
    Form("extended xyz", "janus-core", "time_fs", "run.extxyz",
         lambda r: r.xyz(EXT + "time_fs={t}")),
    Form("extended xyz", ANY, "time, without a unit", "run.xyz",
         lambda r: r.xyz(EXT + "Time={t}")),
    Form("extended xyz", ANY, "labels In1, S2-", "run.xyz",
         lambda r: r.xyz(EXT, {"In": "In1", "S": "S2-"})),
    Form("extended xyz", ANY, "capitals: IN", "run.xyz",
         lambda r: r.xyz(EXT, {"In": "IN", "S": "S"})),
    Form("extended xyz", ANY, "deuterium", "run.xyz",
         lambda r: r.xyz(EXT, {"In": "In", "S": "D"}),
         species=("In", "In", "H", "H", "H")),
    Form("extended xyz", ANY, "numbers of elements instead of symbols", "run.xyz",
         lambda r: r.xyz(EXT.replace("species:S:1", "Z:I:1"), {"In": 49, "S": 16})),
    Form("extended xyz", ANY, "a name of no element", "run.xyz",
         lambda r: r.xyz(EXT, {"In": "Vac", "S": "S"})),
    Form("xyz", "CP2K", "no cell; step, time and energy in the comment",
         "run-pos-1.xyz", lambda r: r.xyz(" i = {i}, time = {t:.3f}, E = -1.5")),
    Form("xyz", "CP2K", "the same, and the user gives the cell", "run-pos-1.xyz",
         lambda r: r.xyz(" i = {i}, time = {t:.3f}, E = -1.5"),
         options={"lattice": [[8, 0, 0], [1.5, 9, 0], [-0.5, 0.25, 7]]}),
    Form("xyz", ANY, "any comment", "run.xyz",
         lambda r: r.xyz('frame {i} of "a run')),
    Form("xyz", "ADF", "VEC lines", "run.xyz",
         lambda r: r.xyz(behind="VEC1 {}\nVEC2 {}\nVEC3 {}\n")),
    Form("xyz", ANY, "atoms are added after the third frame", "run.xyz",
         lambda r: replace(r, fractional=r.fractional[:3]).xyz() + replace(
             r, fractional=r.fractional[3:].repeat(2, axis=1), counts=(4, 6)).xyz()),
    Form("xyz", ANY, "another name", "positions.txt", lambda r: r.xyz()),
    Form("LAMMPS dump", "LAMMPS", "elements", "run.lammpstrj",
         lambda r: r.dump()),
    Form("LAMMPS dump", "LAMMPS", "units and times; scaled; atoms in any order",
         "dump.run",
         lambda r: r.dump("id element xs ys zs", **UNITS, turned=True)),
    Form("LAMMPS dump", "LAMMPS", "types, and the user says which", "run.lammpstrj",
         lambda r: r.dump("id type xu yu zu"),
         options={"species": {"1": "In", "2": "S"}}),
    Form("LAMMPS dump", "LAMMPS", "the same, types given as numbers", "run.lammpstrj",
         lambda r: r.dump("id type xu yu zu"), options={"species": {1: "In", 2: "S"}}),
    Form("LAMMPS dump", "LAMMPS", "general triclinic box (abc origin)",
         "run.lammpstrj", turned_box),
    Form("LAMMPS dump", "LAMMPS", "types and masses", "run.lammpstrj",
         lambda r: r.dump("id type mass xu yu zu")),
    Form("LAMMPS dump", "users", "the same twice in one file", "run.lammpstrj",
         lambda r: r.dump() * 2),
    Form("LAMMPS dump", "LAMMPS", "types", "run.lammpstrj",
         lambda r: r.dump("id type xu yu zu")),
    Form("LAMMPS dump", "LAMMPS", "no ids", "run.lammpstrj",
         lambda r: r.dump("element xu yu zu")),
    Form("LAMMPS dump", "LAMMPS", "reduced units", "run.lammpstrj",
         lambda r: r.dump(units="lj")),
    Form("PDB", ANY, "", "run.pdb", lambda r: "CRYST1   10.000   10.000   10.000\n"),
]  # fmt: skip


@pytest.fixture
def outcome(tmp_path, run):
    """Return a function that writes a form and tells what reading it gives."""

    def tell(form):
        folder = tmp_path / str(FORMS.index(form))
        folder.mkdir()
        for name, content in form.beside.items():
            _write(folder / name, content, run)
        if form.name:
            _write(folder / form.name, form.content, run)
        try:
            found = open_trajectory(folder / form.name, **form.options)
        except AnalysisError as error:
            text = str(error).replace(f"{folder}/", "").partition(";")[0]
            return None, f"refused: {text}"
        cell = len(found) and found.lattice.any()
        told = {
            "times": found.timed and len(found) > 1,
            "energies": len(found) and np.isfinite(found.energies).all(),
            "no cell": len(found) and not cell,
            "open along c": cell and not all(found.pbc),
            "fixed atoms": found.fixed is not None,
        }
        words = [
            "1 frame" if len(found) == 1 else f"{len(found)} frames",
            *(name for name, so in told.items() if so),
        ]
        reason = found.skipped.reason.partition(", ")[2]
        return found, ", ".join(words) + f"; {reason}" * bool(reason)

    return tell


def _write(path, content, run):
    made = content(run)
    if callable(made):
        made(path)
    elif isinstance(made, bytes):
        path.write_bytes(made)
    else:
        path.write_text(made, encoding="utf-8")


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.kind}, {f.writer}, {f.form}")
def test_a_form_is_read_right_or_refused(outcome, run, form):
    if form.kind == "vaspout.h5":
        pytest.importorskip("h5py", reason="reading vaspout.h5 needs h5py")
    found, _ = outcome(form)
    if not found:
        return
    assert found.species == form.species
    times = {"folder": 2}.get(form.kind, 1)
    right = np.concatenate(
        [run.positions[1 - n :][n - 1 :] for n in range(1, 1 + times)]
    )
    np.testing.assert_allclose(
        found.positions, right[: len(found)], atol=0.51e-5, rtol=0
    )
    if found.timed:
        np.testing.assert_allclose(found.times_fs, 2.0 * np.arange(len(found)))
    energies = found.energies[np.isfinite(found.energies)][: run.n]
    known = [run.energy(i) for i in range(len(energies))]
    if form.kind == "folder":
        return
    if form.writer != "CP2K":
        np.testing.assert_allclose(energies, known)
    else:
        np.testing.assert_allclose(energies, -1.5 * 27.211386, rtol=1e-7)


def test_the_table_in_the_docs_is_what_is_found(outcome, request):
    pytest.importorskip("h5py", reason="the table tells of vaspout.h5, too")
    header = "| file | written by | form | outcome |\n|---|---|---|---|\n"
    rows = "".join(
        f"| {form.kind} | {form.writer} | {form.form} | {outcome(form)[1]} |\n"
        for form in FORMS
    )
    text = DOCS.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{DOCS} has no place for the table"
    fresh = before + BEGIN + header + rows + END + after
    if request.config.getoption("--rewrite-docs"):
        DOCS.write_text(fresh, encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8") == fresh, "run pytest with --rewrite-docs"
