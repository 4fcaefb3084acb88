"""A potential's relaxation before that of a first-principles program."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import pytest
from ase.calculators.emt import EMT
from jobflow import Maker
from pymatgen.core import Lattice, Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.ase_engine import from_import_path
from ionface.workflows.engines.contract import RelaxSettings, StepCost, StudySettings
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


@dataclass
class Refusing(Maker):
    """Makes nothing."""

    name: str = "refusing"

    def make(self, structure: Structure) -> None:
        raise AssertionError(f"{structure.formula} was relaxed again")


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
    few = RelaxSettings(fmax=1e-4, steps=2)
    with pytest.raises(IonfaceError, match="not converged after 2"):
        run_job("relax", first.relax(few).make(aluminum))
    assert list(tmp_path.rglob(FILE))
    maker = replace(first.relax(few), prerelax=Refusing())
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
