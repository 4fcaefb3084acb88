"""Small files from the field, each at its right value: read, or refused with a reason.

They are no part of this tree: IONFACE_CASES names their folder.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pymatgen.core import Composition

from ionface.analysis.diffusion.diffusion import diffusion
from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.outcomes import outcomes
from ionface.analysis.readers.vasp_terms import vasp_directory_term
from ionface.errors import IonfaceError
from ionface.structures.crystals.library import read_crystal
from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.workflows.cli.analyze_files import energies_of
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study import quickened
from ionface.workflows.study.study_files import load

ENERGIES = [-10.0, -11.0, -12.0, -13.0, -14.0, -15.0]  # eV
BOOKED = (-2.0, 25.0, -1.2817)  # eV, Å², J/m²


@dataclass(frozen=True)
class Refused:
    """What the refusal says."""

    says: str


def composition(path):
    return read_crystal(str(path)).composition


def species(path):
    return "".join(open_trajectory(path).species)


def energies(path):
    run = open_trajectory(path)
    return "".join(run.species), run.energies.tolist()


def fixed(path):
    run = open_trajectory(path)
    return "".join(run.species), len(run), int(run.fixed.sum())


def in_cell(path):
    """Return how many frames, whether in a cell, and the time between them, fs."""
    run = open_trajectory(path)
    return len(run), bool(run.lattice.any()), float(run.times_fs[1]) if run.timed else 0


def moves(path):
    """Return whether the mean squared displacement has an answer."""
    return len(diffusion(open_trajectory(path, timestep_fs=0.5))) > 0


def booked(folder):
    """Return what a folder of an interface and its slabs is worth."""
    slabs = [
        p for p in sorted(folder.iterdir()) if p.is_dir() and p.name != "interface"
    ]
    (entry,) = energies_of([folder / "interface", *slabs]).entries
    found = entry.formation
    return found.delta_e, found.area, found.j_per_m2


def converged(path):
    term = vasp_directory_term(path)
    return term.energy, term.converged


def dispersion(path):
    return vasp_directory_term(path).level.dispersion


def walker(folder):
    """Return whether D is that of the random walk, and what was subtracted."""
    run = open_trajectory(folder / "XDATCAR", timestep_fs=1.0)
    (found,) = diffusion(run, directions=["3d"])
    low, high = found.interval
    return found.diffusive and low < 0.0113 < high, found.drift


def u(path):
    return load(str(path)).vasp.incar["LDAUU"]


def built(path):
    (spec,) = load(str(path)).interfaces
    return build_interface(spec).separated()[spec.substrate.phase].composition


def chain(path):
    """Return the chains that a model holds whole, and its atoms."""
    (spec,) = load(str(path)).interfaces
    model = build_interface(spec)
    film = model.separated()[spec.film.phase]
    groups = {Composition(name): count for name, count in count_groups(film).items()}
    return groups, film.composition


def ledger(path):
    """Return whether a study on the stand-in ends in its ledger, and U by element."""
    study = replace(load(str(path)), lattice="literature")  # the spheres have their own
    with TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setenv("IONFACE_VASP_CALCULATOR", "spheres")
        patch.setenv("IONFACE_VASP_SHIFT", "-5")
        project = Project.create(Path(root) / "p", quickened(study))
        assert not runner.run(project).failed
        (entry,) = collect(project).energies.entries
    return entry.level.by_element


@dataclass(frozen=True)
class Case:
    """One file, what is asked of it, and what is right."""

    path: str
    ask: Callable[[Path], Any]
    right: Any
    slow: bool = False


ARGYRODITE = "Li24P4S20Cl4"
CHAINS = {
    "PAN": "C11H15N3", "PDMS": "C8H24O3Si3", "PEO": "C10H22O4", "PMMA": "C17H30O6",
    "PNO2": "C6H12N2O4", "nylon": "C14H28N2O2",
}  # fmt: skip
ANIONS = {
    "Li2C2O4": "Li2C2O4", "Li2CO3_like": "Li2CO3", "Li2PO3F": "Li4P2O6F2",
    "Li3PO3S": "Li3PSO3", "LiNO2": "LiNO2", "LiPON_dimer": "Li5P2NO6",
}  # fmt: skip


def whole(formula):
    return {Composition(formula): 1}, Composition(formula)


CASES = [
    Case("zr-as-r/vasprun.xml", species, "LiLiZrZrOO"),
    Case("ldau-by-species/a-slab-without-d", booked, BOOKED),
    Case("ldau-by-species/b-shorter-list", booked, BOOKED),
    Case("ldau-by-species/c-same-numbers-other-atoms", booked,
         Refused(r"different levels of theory \(Co: .* O: None against")),
    Case("ldau-by-species/d-J-differs", booked,
         Refused(r"Co: 'U-J=3.32 l=2' against 'U-J=2.32 l=2'")),
    Case("nelm-twice", booked, BOOKED),
    Case("nelm-twice/vasprun.etest1.xml.gz", converged, (-11.189815, True)),
    Case("hash-species/hash/XDATCAR", fixed, ("LiLiOO", 8, 6)),
    Case("hash-species/slash-h5/vaspout.h5", species, "LiLiOO"),
    Case("vasp4-poscar/LiF.vasp", composition, Refused("names no elements")),
    Case("vasp4-poscar/study.yaml", built, Refused("names no elements")),
    Case("cif/lioh_without_h.cif", composition, Refused("formula H Li O has H")),
    Case("cif/study.yaml", built, Refused("formula H Li O has H")),
    Case("cif/lpscl_over.cif", composition, Refused("site sum to 1.02, more than 1")),
    Case("cif/li3n_rounded.cif", composition, Composition("Li3N")),
    Case("level-holes/charged-interface", booked, Refused(r"is charged by .11 e")),
    Case("level-holes/non-self-consistent", booked, Refused("not self-consistent")),
    Case("level-holes/pressure", booked, Refused("is an enthalpy .PSTRESS = 100 kB")),
    Case("level-holes/spin-orbit-in-one", booked, Refused("LSORBIT: None against")),
    Case("level-holes/vdw-df-in-one", booked, Refused("dispersion: None against")),
    Case("sandwich-directories", booked, (-2.0, 25.0, -0.6409)),
    *(Case(f"polymers/{name}.yaml", chain, whole(formula), slow=True)
      for name, formula in CHAINS.items()),
    *(Case(f"whole-anions/{name}.vasp", composition, Composition(formula))
      for name, formula in ANIONS.items()),
    *(Case(f"outcar-forms/OUTCAR.{name}", energies, ("LiLiOO", ENERGIES))
      for name in ("plain", "vdw", "energy_first", "no_vrhfin")),
    Case("outcar-forms/OUTCAR.zr", energies, ("LiLiZrZr", ENERGIES)),
    Case("dispersion-unseen-in-vasp5", booked,
         Refused("dispersion: 'a correction that the file does not name' again")),
    Case("dispersion-unseen-in-vasp5/vasprun.etest3.xml.gz", dispersion,
         "a correction that the file does not name"),
    Case("no-cell/cp2k-pos-1.xyz", in_cell, (12, False, 0.5)),
    Case("no-cell/ase_slab_flat_cell.extxyz", in_cell, (40, True, 0)),
    Case("no-cell/cp2k-pos-1.xyz", moves, True),
    Case("no-cell/ase_slab_flat_cell.extxyz", moves, True),
    *(Case(f"ldau-inputs/{name}.yaml", u, {"Co": 3.32})
      for name in ("by_element", "nested", "double")),
    *(Case(f"ldau-inputs/{name}.yaml", u, Refused("must name elements"))
      for name in ("list", "text")),
    Case("ldau-inputs/double.yaml", ledger,
         {"Li": "", "Co": "U-J=3.32 l=2", "O": ""}, slow=True),
    Case("disordered-cif/lpscl.cif", composition, Composition(ARGYRODITE)),
    Case("disordered-cif/study.yaml", built, Composition(ARGYRODITE), slow=True),
    Case("disordered-cif/lib.yaml", built, Composition(ARGYRODITE), slow=True),
    Case("single-atom", walker,
         (True, "nothing subtracted: a single atom is its own center of mass")),
    Case("lammps-dump/run.lammpstrj", species, "LiO"),
]  # fmt: skip


@pytest.fixture
def field_cases() -> Path:
    fallback = Path(__file__).parents[3] / "shared" / "cases"
    folder = Path(os.environ.get("IONFACE_CASES", fallback))
    if not folder.is_dir():
        pytest.skip(f"files from the field are not at {folder} (IONFACE_CASES)")
    return folder


def at(root, path):
    """Return a path below a folder, whose own folders are numbered."""
    (found,) = root.glob(f"[0-9][0-9]-{path}")
    return found


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c.path, marks=[pytest.mark.slow] * c.slow) for c in CASES],
)
def test_a_file_from_the_field_is_right_or_refused(field_cases, case):
    path = at(field_cases, case.path)
    if isinstance(case.right, Refused):
        with pytest.raises(IonfaceError, match=case.right.says):
            case.ask(path)
        return
    found = case.ask(path)
    if case.ask in (booked, converged):
        assert found == pytest.approx(case.right, abs=1e-4)
    else:
        assert found == case.right


def test_every_output_among_them_has_one_outcome(field_cases):
    found = list(outcomes(field_cases))
    assert len(found) > 50
    assert all(o.frames or o.reason for o in found)
