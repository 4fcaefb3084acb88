"""Makers of atomate2 as an engine: their documents become our records."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from jobflow import run_locally
from pymatgen.core import Lattice, Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings, RelaxSettings
from ionface.workflows.engines.makers_engine import (
    MakersEngine,
    read_document,
    site_order,
)
from ionface.workflows.engines.registry import engine

EMT = {"@module": "ase.calculators.emt", "@callable": "EMT"}
LEVEL = LevelOfTheory("ase", "emt", "EMT")


@pytest.fixture
def silver():
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    structure = Structure(Lattice.cubic(4.1), ["Ag"] * 4, sites)
    structure.perturb(0.1, seed=1)
    structure.add_site_property("phase", ["left", "right"] * 2)
    return structure


@pytest.fixture
def atomate2_engine():
    pytest.importorskip("torch")  # atomate2's force-field makers import it
    from atomate2.forcefields.jobs import ForceFieldRelaxMaker, ForceFieldStaticMaker

    def relaxation(settings):
        return ForceFieldRelaxMaker(
            force_field_name=EMT,
            relax_cell=False,
            steps=settings.steps,
            relax_kwargs={"fmax": settings.fmax},
        )

    single_point = ForceFieldStaticMaker(force_field_name=EMT)
    return MakersEngine("emt", LEVEL, single_point, relaxation)


def _output(flow, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        responses = run_locally(
            flow, root_dir=folder, create_folders=True, ensure_success=True, log=False
        )
    return responses[flow.jobs[-1].uuid][1].output


@pytest.mark.slow
def test_it_gives_the_same_energies_as_the_calculator_itself(
    atomate2_engine, silver, tmp_path, run_job
):
    ours = engine("ase.calculators.emt.EMT")
    settings = RelaxSettings(fmax=0.01)
    found = _output(atomate2_engine.relax(settings).make(silver), tmp_path)
    expected = run_job("relax", ours.relax(settings).make(silver))
    assert found.energy == pytest.approx(expected.energy, abs=1e-4)
    assert found.converged
    assert found.structure.site_properties["phase"] == ["left", "right"] * 2
    point = _output(atomate2_engine.static().make(silver), tmp_path)
    expected = run_job("static", ours.static().make(silver))
    assert point.energy == pytest.approx(expected.energy)
    assert point.max_force == pytest.approx(expected.max_force, rel=1e-5)


def _document(structure, force=0.0):
    forces = np.full((len(structure), 3), force)
    output = SimpleNamespace(energy=-1.0, forces=forces)
    return SimpleNamespace(structure=structure, output=output)


def test_sites_that_an_input_set_has_sorted_come_back_in_their_order():
    mixed = Structure(np.eye(3) * 9, ["O", "Li", "O", "Li"], np.eye(4)[:, :3] / 2)
    mixed.add_site_property("layer", [0, 1, 2, 3])
    after = mixed.get_sorted_structure()
    assert site_order(mixed, after) == [2, 0, 3, 1]
    record = read_document.original(_document(after), mixed, LEVEL.as_dict())
    assert np.allclose(record.structure.frac_coords, mixed.frac_coords)
    assert record.structure.site_properties["layer"] == [0, 1, 2, 3]
    with pytest.raises(IonfaceError, match="another order"):
        site_order(mixed, after[::-1])


def test_a_relaxation_that_must_converge_and_did_not_is_refused(silver):
    unfinished, level = _document(silver, force=1.0), LEVEL.as_dict()
    with pytest.raises(
        IonfaceError, match=r"largest force is 1\.732 eV/Å, above 0\.02"
    ):
        read_document.original(unfinished, silver, level, RelaxSettings())
    open_end = RelaxSettings(must_converge=False)
    assert not read_document.original(unfinished, silver, level, open_end).converged


def test_forces_on_atoms_that_are_held_do_not_count(silver):
    silver.add_site_property("fixed", [True] * 4)
    document = _document(silver, force=1.0)
    assert read_document.original(document, silver, LEVEL.as_dict()).max_force == 0


@pytest.mark.slow
def test_a_document_of_another_kind_is_refused(silver):
    with pytest.raises(IonfaceError, match="a dict cannot be read as a relaxation"):
        read_document.original({"energy": 1}, silver, LEVEL.as_dict())


def test_dynamics_need_another_engine():
    plain = MakersEngine("x", LEVEL, None, None)
    with pytest.raises(IonfaceError, match="has no dynamics"):
        plain.dynamics(DynamicsSettings())
