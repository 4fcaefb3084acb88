"""Variants of a study in one setting, and how its energy changes with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from ase.calculators.emt import EMT
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.energies.convergence import Convergence, Tried
from ionface.errors import IonfaceError
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.study.convergence import variants
from ionface.workflows.study.study import PhasesSpec, SpotCheckSpec
from ionface.workflows.study.study_files import load, parse

AG = Path(__file__).parents[2] / "data" / "Ag.cif"
STUDY = """\
name: al-ag
engine: ase.calculators.emt.EMT
slabs: frozen
relaxation: {fmax: 1.0}
lattice: literature
interfaces:
  - name: Al|Al
    film: {material: Al, miller: [1, 0, 0], layers: 1, name: film}
    substrate: {material: Al, miller: [1, 0, 0], layers: 1}
    vacuum: 8
"""


@pytest.fixture
def study():
    return parse(STUDY, "test")


def test_layers_and_vacuum_grow_from_the_studys_own(study):
    found = variants(study, ["layers", "vacuum"], plane_waves=False)
    assert [(v.setting, v.value) for v in found] == [
        ("layers", "as it is"), ("layers", "x1.5"), ("layers", "x2"),
        ("vacuum", "as it is"), ("vacuum", "+5"), ("vacuum", "+10"),
    ]  # fmt: skip
    assert [v.study.interfaces[0].film.deeper for v in found[:3]] == [None, 1, 2]
    assert [v.study.interfaces[0].vacuum for v in found[3:]] == [8, 13, 18]
    assert len({v.folder for v in found}) == 5  # the study as it is once


@pytest.mark.parametrize(
    ("film", "substrate"),
    [
        ("[1, 0, 0], layers: 2", "[1, 0, 0], layers: 4"),
        pytest.param(
            "[1, 0, 0], layers: 3", "[1, 0, 0], thickness: 8", marks=pytest.mark.slow
        ),
        pytest.param(
            "[1, 1, 1], thickness: 4", "[1, 1, 1], layers: 2", marks=pytest.mark.slow
        ),
    ],
)
def test_what_meets_is_the_same_at_any_thickness(film, substrate):
    """Layers of an fcc crystal are shifted, each against the one below it."""
    text = STUDY.replace("material: Al, miller: [1, 0, 0], layers: 1, name: film", film)
    text = text.replace("material: Al, miller: [1, 0, 0], layers: 1", substrate)
    text = text.replace("film: {", f"film: {{material: {AG}, name: film, miller: ")
    text = text.replace("substrate: {", "substrate: {material: Al, miller: ")
    found = variants(parse(text, "test"), ["layers"], plane_waves=False)
    models = [build_interface(each.study.interfaces[0]) for each in found]
    assert len({len(model.structure) for model in models}) == 3
    bound = [_bound(model) for model in models]
    assert bound[0] < -0.1
    assert bound == pytest.approx([bound[0]] * 3, abs=0.01)  # on top: 0.2 eV apart


def _bound(model):
    """Return the energy that both sides gain by contact, eV."""
    energies = []
    for part in (model.structure, *model.separated().values()):
        atoms = AseAtomsAdaptor.get_atoms(part)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
    return energies[0] - sum(energies[1:])


def test_meshes_and_cutoffs_grow_from_the_protocols(study):
    found = variants(study, ["k", "encut"], plane_waves=True)
    assert [v.study.vasp.k_spacing for v in found[:3]] == [None, 0.1333, 0.1]
    cutoffs = [v.study.vasp.incar.get("ENCUT") for v in found[3:]]
    assert cutoffs == [None, 552, 624]  # of 480 eV


def test_only_energies_are_run():
    whole = replace(
        load("lpscl-in"),
        formation=None,
        surfaces=(CrystalLayer("Li", (1, 1, 0), layers=3),),
        phases=(PhasesSpec(("Li", "In")),),
        deposition=load("qcpe-deposition").deposition,
        spot_checks=SpotCheckSpec("vasp-double"),
    )
    assert whole.dynamics
    assert whole.references
    for variant in variants(whole, ["k"], plane_waves=True):
        jobs = [job for job, _ in study_flow(variant.study).iterflow()]
        results = {job.metadata.get("result") for job in jobs}
        assert results - {None} == {"model", "formation", "path"}


@pytest.mark.parametrize(
    ("settings", "change", "message"),
    [
        (["kpoints"], {}, "have k, encut, layers, vacuum"),
        (["k"], {}, "neither k-points nor a cutoff"),
        (["layers"], {"formation": ()}, "computes no formation energy"),
    ],
)
def test_what_cannot_be_converged_is_refused(study, settings, change, message):
    with pytest.raises(IonfaceError, match=message):
        variants(replace(study, **change), settings, plane_waves=False)


def test_a_sandwich_has_no_vacuum_to_converge(study):
    spec = replace(study.interfaces[0], vacuum=0)
    with pytest.raises(IonfaceError, match="no interface of al-ag has it"):
        variants(replace(study, interfaces=(spec,)), ["vacuum"], plane_waves=False)


def test_errors_are_taken_from_the_finest():
    values = zip(("as it is", "x1.5", "x2"), (-0.50, -0.53, -0.54), strict=True)
    result = Convergence(tuple(Tried("A|B", "layers", v, e) for v, e in values))
    assert result.errors[("A|B", "layers")] == pytest.approx(0.04)
    assert "layers +0.040 J/m² from the finest" in result.summary()
    assert Convergence.from_dict(result.as_dict()) == result
    assert [row["from the finest (J/m²)"] for row in result.rows()] == pytest.approx(
        [0.04, 0.01, 0.0]
    )
    (axes,) = result.plot().axes
    assert axes.lines[0].get_ydata() == pytest.approx([0.04, 0.01, 0.0])


@pytest.mark.slow  # three small studies
def test_a_vacuum_beyond_the_potentials_reach_changes_nothing(cli, tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    words = ("run", "study.yaml", "--project", "p", "--converge", "vacuum", "--json")
    done = cli(*words)
    assert done.returncode == 0, done.stderr
    tried = json.loads(done.stdout)["tried"]
    assert [each["value"] for each in tried] == ["as it is", "+5", "+10"]
    energies = [each["j_per_m2"] for each in tried]
    assert energies[0] < -0.1  # two slabs of one metal gain by contact
    assert energies == pytest.approx([energies[0]] * 3, abs=1e-3)
    assert (tmp_path / "p" / "converge" / "convergence.csv").is_file()
