"""Films and amorphous layers: brought to rest by an engine, then stacked."""

import pytest

from ionface.structures.interface import build_interface
from ionface.structures.polymers.film_layer import pack_layer, resting, settled
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
)
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.runner import run
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study import Study, quickened
from ionface.workflows.study.study_files import load

ALLOY = """\
name: alloy
engine: ase.calculators.emt.EMT
lattice: literature
interfaces:
  - name: Ag|AlCu
    film:
      amorphous: {Al: 0.6, Cu: 0.4}
      name: AlCu
      density: 4.5
      thickness: 8
      melt: 1500
      melt_steps: 20
      quench_steps: 10
      supercell: [3, 3]
    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 2}
    vacuum: 12
relaxation: {fmax: 0.5, steps: 60}
"""
PEO = InterfaceSpec(
    "Li|PEO",
    FilmLayer("[*]CCO[*]", units=2, ends=("OC", "C"), name="PEO", chains=6),
    CrystalLayer("Li", (1, 0, 0), layers=3),
    max_area=200,
)


@pytest.fixture
def alloy(study_file):
    study_file.write_text(ALLOY)
    return load(str(study_file))


@pytest.mark.slow
def test_an_alloy_is_melted_quenched_opened_and_stacked(alloy, tmp_path):
    names = [job.name for job, _ in study_flow(alloy).iterflow()]
    order = ["pack film", "film melt", "open film", "film rest", "check film", "build"]
    places = [next(i for i, n in enumerate(names) if n.endswith(o)) for o in order]
    assert places == sorted(places)
    project = Project.create(tmp_path / "p", alloy)
    outcome = run(project)
    assert not outcome.failed
    model = collect(project).models["Ag|AlCu"]
    film = model.separated()["AlCu"]
    packed = pack_layer(alloy.interfaces[0])
    assert film.composition == packed.structure.composition
    made = model.provenance["film"]
    assert made["density"] == 4.5
    assert made["opened_gap"] > 0
    assert model.n_interfaces == 1
    (entry,) = collect(project).energies.entries
    assert entry.strain_energy is None  # an amorphous layer has no other cell


@pytest.mark.slow
def test_a_film_model_shows_every_chain_as_a_molecule():
    model = build_interface(PEO)
    film = model.separated()["PEO"]
    assert sorted(set(film.site_properties["molecule"])) == list(range(6))
    assert set(model.separated()["Li"].site_properties["molecule"]) == {-1}
    assert "6 x " in model.summary()["film"]


@pytest.mark.slow
def test_a_film_that_came_to_rest_is_reported_intact_and_a_broken_one_not():
    packed = pack_layer(PEO)
    same = settled(packed, packed.structure)
    assert same.provenance["molecules"]["verdict"] == "intact"
    torn = packed.structure.copy()
    carbon = next(i for i, s in enumerate(torn) if s.specie.symbol == "C")
    torn.translate_sites([carbon], [0, 0, 2.5], frac_coords=False)
    report = settled(packed, torn).provenance["molecules"]
    assert report["verdict"] == "broken"
    assert report["broken"]


@pytest.mark.slow
def test_a_film_that_drifted_across_the_border_is_put_together():
    packed = pack_layer(PEO)
    moved = packed.structure.copy()
    height = moved.lattice.matrix[2, 2]
    moved.translate_sites(range(len(moved)), [0, 0, 0.6 * height], frac_coords=False)
    from dataclasses import replace

    whole = resting(replace(packed, structure=moved))
    before = resting(packed)
    assert whole.cart_coords[:, 2] == pytest.approx(before.cart_coords[:, 2], abs=1e-5)


def test_quick_stages_are_short():
    study = Study("s", (PEO,), engine="ase.calculators.lj.LennardJones")
    jobs = {job.name: job for job, _ in study_flow(quickened(study)).iterflow()}
    assert jobs["Li|PEO film anneal"].maker.settings.steps == 50
    jobs = {job.name: job for job, _ in study_flow(study).iterflow()}
    assert jobs["Li|PEO film anneal"].maker.settings.steps == 1000


def test_alloys_shrink_in_quick_runs():
    layer = AmorphousLayer({"Ga": 1.0}, 6.0, 12)
    spec = InterfaceSpec("x", layer, CrystalLayer("Li", (1, 0, 0), layers=5))
    quick = quickened(Study("s", (spec,))).interfaces[0].film
    assert quick.thickness == 6
    assert quick.melt_steps < layer.melt_steps


def test_the_ledger_tells_what_became_of_a_molecule():
    from ionface.structures.specs import PolymerLayer
    from ionface.workflows.flows.jobs import molecules_after

    spec = InterfaceSpec(
        "Li|P-DOL",
        PolymerLayer("COCOC", name="P-DOL"),
        CrystalLayer("Li", (1, 0, 0), layers=3),
    )
    model = build_interface(spec)
    assert molecules_after(model, model.structure).verdict == "intact"
    torn = model.structure.copy()
    oxygen = next(i for i, s in enumerate(torn) if s.specie.symbol == "O")
    torn.translate_sites([oxygen], [0, 0, 3.0], frac_coords=False)
    assert molecules_after(model, torn).verdict in ("broken", "reacted")


def test_an_interface_of_crystals_has_no_molecules():
    from ionface.workflows.flows.jobs import molecules_after

    spec = InterfaceSpec(
        "Li|LiF",
        CrystalLayer("Li", (1, 0, 0), layers=2),
        CrystalLayer("LiF", (1, 0, 0), layers=2),
    )
    model = build_interface(spec)
    assert molecules_after(model, model.structure) is None
