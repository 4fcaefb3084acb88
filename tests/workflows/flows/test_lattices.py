"""Lattices by the study's own engine: relaxed once, cut with, told."""

import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from jobflow import run_locally
from pymatgen.core import Lattice, Structure

from ionface.errors import StructureError
from ionface.structures.crystals.library import crystal as library_crystal
from ionface.structures.crystals.relaxed_lattice import relaxed_lengths
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.registry import engine
from ionface.workflows.flows.jobs import build
from ionface.workflows.flows.models import ModelBuilder
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.study.study import EngineNames
from ionface.workflows.study.study_files import load

AG = str(Path(__file__).parents[2] / "data" / "Ag.cif")
SPEC = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=2),
    CrystalLayer(AG, (1, 0, 0), layers=2, name="Ag"),
    max_strain=0.03,
    max_area=20,
)
EMT_AL = 3.995  # Å, where EMT's energy of Al is lowest (3.9946 from a parabola)
PUBLISHED_AL = 4.0495


@pytest.fixture
def builder():
    return ModelBuilder(lambda _: engine("ase.calculators.emt.EMT"))


def built(models, folder):
    from jobflow import Flow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = run_locally(
            Flow(models.jobs), root_dir=folder, ensure_success=True, log=False
        )
    return done[models.starts[0].built.uuid][1].output.model


@pytest.mark.slow
def test_slabs_are_cut_with_the_lattice_that_the_engine_relaxes_to(builder, tmp_path):
    models = builder.models(SPEC)
    assert [job.name for job in models.jobs] == [
        "Al relax bulk", "Ag relax bulk", "Al|Ag build", "Al|Ag close gap",
    ]  # fmt: skip
    model = built(models, tmp_path)
    film = model.provenance["film"]
    assert film["lattice"][:3] == pytest.approx([EMT_AL] * 3, abs=0.003)
    assert film["lattice_from"].startswith("relaxed with ase")
    # of a file too, whose lattice is then not the file's
    assert model.provenance["substrate"]["lattice"][0] == pytest.approx(4.06, abs=0.02)
    assert model.provenance["substrate"]["lattice_from"].startswith("relaxed with")


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["literature", {"a": 4.0}])
def test_a_layer_has_the_last_word(builder, tmp_path, chosen):
    own = replace(SPEC, film=replace(SPEC.film, lattice=chosen))
    models = builder.models(own)
    names = [job.name for job in models.jobs]
    assert names == ["Ag relax bulk", "Al|Ag build", "Al|Ag close gap"]
    lattice = built(models, tmp_path).provenance["film"]["lattice"]
    expected = PUBLISHED_AL if chosen == "literature" else 4.0
    assert lattice[0] == pytest.approx(expected, abs=0.001)


def test_one_crystal_is_relaxed_once_for_all_interfaces(builder):
    first, second = builder.models(SPEC), builder.models(replace(SPEC, name="again"))
    assert len(first.jobs) == 4
    assert [job.name for job in second.jobs] == ["again build", "again close gap"]


def jobs_of(study):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # interfaces are not connected
        return [job for job, _ in study_flow(study).iterflow()]


def test_a_study_may_take_published_lattices(study_file):
    study = replace(load(str(study_file)), lattice="literature")
    assert not any("bulk" in job.name for job in jobs_of(study))


def test_energies_and_dynamics_of_two_engines_have_two_models(study_file):
    study = load(str(study_file))
    other = "ase.calculators.lj.LennardJones"
    two = replace(study, lattice="engine", engine=EngineNames(study.engine, other))
    one = replace(study, lattice="engine")
    for asked, number in ((one, 1), (two, 2)):
        jobs = jobs_of(asked)
        assert sum(job.name == "Al|Ag build" for job in jobs) == number
        assert sum(job.metadata["result"] == "model" for job in jobs) == 1
        roles = [job.metadata["role"] for job in jobs if job.name == "Al relax bulk"]
        assert roles == ["formation", "dynamics"][:number]


def cubic(a, c=None):
    return Structure(Lattice.tetragonal(a, c or a), ["Al"], [[0, 0, 0]])


def test_numbers_are_those_of_one_cell_of_a_supercell():
    found = relaxed_lengths(cubic(8.0, 4.0), cubic(8.2, 4.1), "Al", (2, 2, 1))
    assert found == {
        "a": 4.1, "b": 4.1, "c": 4.1, "alpha": 90, "beta": 90, "gamma": 90,
    }  # fmt: skip


def test_a_cell_that_came_to_more_symmetry_is_still_one_of_its_own():
    indium = Structure.from_spacegroup(
        "I4/mmm", Lattice.tetragonal(3.2528, 4.9465), ["In"], [[0, 0, 0]]
    )
    face_centered = indium.copy()
    face_centered.lattice = Lattice.tetragonal(3.4, 4.81)  # c/a is nearly √2
    found = relaxed_lengths(indium, face_centered, "In", (1, 1, 1))
    assert (found["a"], found["c"]) == (3.4, 4.81)


@pytest.mark.parametrize(
    ("c", "note"), [(4.807, ["from I4/mmm to Fm-3m"]), (5.1, [])], ids=["fcc", "bct"]
)
def test_a_crystal_that_gained_symmetry_is_told(c, note):
    layer = CrystalLayer("In", (0, 0, 1), layers=2, lattice="engine")
    spec = replace(SPEC, film=layer, max_area=200, max_strain=0.1)
    relaxed = library_crystal("In")
    relaxed.lattice = Lattice.tetragonal(3.393, c)
    record = SimpleNamespace(structure=relaxed, level={})
    model = build.original(spec, bulk={"film": record}).model
    notes = [each for each in model.notes() if "relaxation of bulk In led" in each]
    assert len(notes) == len(note)
    assert all(said in each for each, said in zip(notes, note, strict=True))


@pytest.mark.parametrize(
    ("relaxed", "said"),
    [
        (cubic(4.2), "its volume by \\+16 %"),
        (cubic(4.0, 4.2), "its space group from Pm-3m to P4/mmm"),
    ],
)
def test_a_crystal_that_became_another_one_is_refused(relaxed, said):
    with pytest.raises(StructureError, match=f"changed {said}.*lattice: literature"):
        relaxed_lengths(cubic(4.0), relaxed, "Al", (1, 1, 1))
