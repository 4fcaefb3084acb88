"""A potential's relaxation before that of a first-principles program."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import add_adsorbate, fcc111, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.io.trajectory import Trajectory as AseTrajectory
from jobflow import Maker
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.documents import decode
from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.ase_engine import AseEngine, from_import_path
from ionface.workflows.engines.ase.relax import HISTORY
from ionface.workflows.engines.contract import RelaxSettings, StepCost, StudySettings
from ionface.workflows.engines.dft.curvature import CURVATURE, SOFTEST, curvature
from ionface.workflows.engines.dft.engine import DftEngine
from ionface.workflows.engines.dft.program import DftProgram
from ionface.workflows.engines.pre_relaxation import FILE
from ionface.workflows.engines.registry import NamedEngine
from ionface.workflows.study.protocols import LI_2024
from ionface.workflows.study.vasp_settings import VaspSettings

POTENTIAL = "ase.calculators.emt.EMT"
CLOSE = RelaxSettings(fmax=0.11, steps=50)


@dataclass(frozen=True)
class EffectiveMedium(DftProgram):
    """A program whose energies are those of ASE's EMT."""

    name = "medium"

    @classmethod
    def of(cls, settings: StudySettings) -> "EffectiveMedium":
        del settings
        return cls()

    def valence(self, symbol: str) -> float:
        del symbol
        return 3.0

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        del structure
        return LevelOfTheory(code="medium", version="1", functional="EMT")

    def opened(self, structure: Structure):
        del structure
        return nullcontext(EMT())

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        del symbols, where

    def step_cost(self, structure: Structure) -> StepCost:
        del structure
        return StepCost(1.0, 0.1)


@dataclass(frozen=True, repr=False)
class Refusing(AseEngine):
    """A potential that is not to be asked."""

    def relax(self, settings: RelaxSettings) -> Maker:
        return self

    def make(self, structure: Structure) -> None:
        raise AssertionError(f"{structure.formula} was relaxed again")

    def calculator(self) -> Calculator:
        raise AssertionError("the curvature was computed again")


@pytest.fixture
def program():
    return DftEngine(EffectiveMedium())


@pytest.fixture
def first(program):
    return replace(program, prerelax=from_import_path(POTENTIAL, {}, "EMT"))


@pytest.fixture
def aluminum():
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    structure = Structure(Lattice.cubic(4.05), ["Al"] * 4, sites)
    structure.perturb(0.1, seed=1)
    structure.add_site_property("phase", ["left", "right"] * 2)
    return structure


def test_a_program_goes_on_where_the_potential_ended(first, aluminum, run_job):
    record = run_job("relax", first.relax(CLOSE).make(aluminum))
    assert record.steps == 0  # the potential is the same: nothing was left to do
    assert record.max_force < 0.1
    assert record.level["code"] == "medium"
    told = record.provenance["prerelaxed"]
    assert told["level"]["code"] == "ase"
    assert told["steps"] > 1
    assert record.structure.site_properties == aluminum.site_properties


def test_a_job_that_was_killed_does_not_ask_the_potential_again(
    first, aluminum, run_job, tmp_path
):
    few = RelaxSettings(fmax=1e-16, steps=2)
    with pytest.raises(IonfaceError, match="not converged after 2"):
        run_job("relax", first.relax(few).make(aluminum))
    assert list(tmp_path.rglob(FILE))
    silent = Refusing(first.prerelax.potential)
    maker = replace(first.relax(few), prerelax=silent)
    with pytest.raises(IonfaceError, match="not converged after 2"):
        run_job("relax", maker.make(aluminum))


def test_crystals_and_single_points_have_no_potential_before_them(program, first):
    crystal = RelaxSettings(cell="full")
    assert first.relax(crystal) == program.relax(crystal)
    assert first.static() == program.static()
    assert first.relax(CLOSE) != program.relax(CLOSE)


@pytest.mark.parametrize("given", [None, "off", False])
def test_programs_begin_without_one_unless_it_is_asked_for(program, given):
    settings = StudySettings(LI_2024, VaspSettings(prerelax=given))
    assert program.configured(settings, NamedEngine).prerelax is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("sevenet", "by sevenet: unknown engine 'sevenet'; did you mean 'sevennet'"),
        ("vasp", "by vasp: vasp is no potential; or switch it off"),
        (True, "by on: unknown engine 'on'"),
        ("learned/0123456789abcdef", "by learned/0123456789abcdef: "),
    ],
)
def test_what_is_no_potential_is_refused_before_anything_runs(program, given, said):
    settings = StudySettings(LI_2024, VaspSettings(prerelax=given))
    asked = program.configured(settings, NamedEngine)
    with pytest.raises(IonfaceError, match="start from a pre-relaxation") as refused:
        asked.check_start(asked.relax(CLOSE), here=True)
    assert said in str(refused.value)
    asked.check_start(asked.static(), here=True)
    program.check_start(program.relax(CLOSE), here=True)


def test_the_curvature_is_that_of_the_energy(aluminum, tmp_path):
    found = curvature(aluminum, EMT, tmp_path)
    assert found.shape == (12, 12)
    assert np.allclose(found, found.T)
    assert np.linalg.eigvalsh(found).min() >= SOFTEST - 1e-9
    direction = np.linalg.eigh(found)[1][:, -1]  # the stiffest motion

    def energy(step):
        atoms = aluminum.to_ase_atoms(msonable=False)
        atoms.positions += step * direction.reshape(-1, 3)
        atoms.calc = EMT()
        return atoms.get_potential_energy()

    bent = (energy(0.01) - 2 * energy(0.0) + energy(-0.01)) / 1e-4
    assert bent == pytest.approx(direction @ found @ direction, rel=0.05)
    assert np.array_equal(curvature(aluminum, Refusing, tmp_path), found)  # its file


def test_atoms_that_are_held_are_not_moved_for_it(aluminum, tmp_path):
    aluminum.add_site_property("fixed", [True, False, False, False])
    found = curvature(aluminum, EMT, tmp_path)
    assert np.array_equal(found[:3], SOFTEST * np.eye(12)[:3])


@pytest.mark.parametrize("cell", ["fixed", "normal"])
def test_steps_by_the_curvature_are_few_and_lead_to_the_same_minimum(
    first, program, run_job, cell
):
    """Stiff and soft motions together: a molecule on a metal."""
    settings = RelaxSettings(fmax=0.005, steps=200, cell=cell)
    slab = fcc111("Cu", (2, 2, 2), vacuum=4.0, periodic=True)
    add_adsorbate(slab, molecule("N2"), 2.0, "fcc")
    structure = AseAtomsAdaptor.get_structure(slab)
    fast = run_job("fast", first.relax(settings).make(structure))
    begun = decode(Path(FILE).read_text(), FILE).structure
    usual = run_job("usual", program.relax(settings).make(begun))
    assert fast.energy == pytest.approx(usual.energy, abs=2e-3)
    assert fast.steps < 0.6 * usual.steps


def test_a_relaxation_by_curvature_that_was_killed_is_the_same_one(
    first, aluminum, run_job
):
    def steps(name):
        with AseTrajectory(str(Path.cwd().parent / name / HISTORY)) as frames:
            return [frame.positions for frame in frames]

    whole = RelaxSettings(fmax=1e-4, steps=6, must_converge=False)
    run_job("whole", first.relax(whole).make(aluminum))
    for more in (2, 3, 1):
        some = RelaxSettings(fmax=1e-4, steps=more, must_converge=False)
        run_job("parts", first.relax(some).make(aluminum))
    assert len(steps("whole")) == len(steps("parts"))
    assert np.allclose(steps("whole"), steps("parts"), atol=1e-6)


def test_what_is_at_rest_already_needs_no_curvature(first, aluminum, run_job):
    run_job("relax", first.relax(CLOSE).make(aluminum))
    assert Path(FILE).is_file()
    assert not Path(CURVATURE).exists()
