"""Surface energies: every cut of a facet, against the bulk at its own lattice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc100
from ase.calculators.emt import EMT

from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.energies.surface_energies import SurfaceEnergies, SurfaceEnergy
from ionface.analysis.figures.surfaces_figure import figure_surfaces
from ionface.analysis.report.tables import surface_contents
from ionface.errors import IonfaceError
from ionface.workflows.cli.study_commands import run_study
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.registry import study_engine
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.flows.surfaces import surface_flow
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.convergence import variants
from ionface.workflows.study.study_files import parse

STUDY = """\
name: surfaces
engine: ase.calculators.emt.EMT
relaxation: {fmax: 0.005}
surfaces:
  - {material: Al, miller: [1, 0, 0], layers: 6}
  - {material: Al, miller: [1, 1, 1], layers: 6}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    project = Project.create(
        tmp_path_factory.mktemp("p") / "p", parse(STUDY, "surfaces.yaml")
    )
    assert not runner.run(project).failed
    found, path = write_report(project)
    return found.found["surfaces"], Path(path).read_text(), project


def energy(atoms):
    atoms.calc = EMT()
    return atoms.get_potential_energy()


def test_a_run_prints_a_table_of_them(results, capsys):
    _, _, project = results
    run_study(project.study, project.root, as_json=False)
    said = capsys.readouterr().out
    assert "as cut" in said
    assert all(facet in said for facet in ("Al(100)", "Al(111)"))


def test_they_are_what_the_textbook_makes_of_the_same_potential(results):
    found, _, _ = results
    lengths = np.linspace(3.97, 4.02, 11)
    energies = [energy(bulk("Al", a=a)) for a in lengths]
    bend, slope, _ = np.polyfit(lengths, energies, 2)
    a = -slope / (2 * bend)
    slab = fcc100("Al", (1, 1, 6), a=a, vacuum=10)
    excess = energy(slab) - 6 * energy(bulk("Al", a=a))
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    expected = excess / (2 * area) * EV_PER_A2_IN_J_PER_M2
    (surface,) = found["Al(100)"].surfaces
    assert surface.cut == pytest.approx(expected, rel=5e-3)
    assert surface.relaxed <= surface.cut


@pytest.mark.slow
def test_the_dense_facet_of_a_metal_costs_least(results):
    found, _, _ = results
    low, high = (found[f"Al({hkl})"].surfaces[0].relaxed for hkl in ("111", "100"))
    assert 0 < low < high


def test_the_bulk_is_relaxed_once_and_the_report_shows_the_table(results):
    _, report, project = results
    names = [job.name for job, _ in project.jobs()]
    assert names.count("Al relax bulk") == 1
    assert "Surface energies" in report
    assert "Al(111)" in report


def test_they_come_back_from_their_file_and_are_drawn(results):
    found, _, _ = results
    again = SurfaceEnergies.from_dict(found["Al(100)"].as_dict())
    assert again.values() == found["Al(100)"].values()
    (axes,) = figure_surfaces(again).axes
    assert axes.get_xlabel() == "surface energy (J/m²)"
    assert len(axes.patches) == 2


def test_a_study_of_nothing_is_refused():
    with pytest.raises(IonfaceError, match=r"nothing to compute; .*surfaces"):
        parse("name: empty\n", "s.yaml")


def test_a_facet_with_several_cuts_has_a_slab_of_each():
    study = parse(
        "name: s\nengine: ase.calculators.emt.EMT\nlattice: literature\n"
        "surfaces: [{material: Li6PS5Cl, miller: [1, 1, 0], layers: 1}]",
        "s.yaml",
    )
    (layer,) = study.surfaces
    engine = study_engine(study, "formation")
    bulk_record = engine.relax(RelaxSettings()).make(None)
    flow = surface_flow(layer, bulk_record, engine, RelaxSettings())
    names = [job.name for job, _ in flow.iterflow()]
    assert sum(" cut " in name for name in names) == 2
    assert sum(" static " in name for name in names) == 3  # and that of the bulk


@pytest.mark.parametrize("compensate", [False, True])
def test_a_slab_is_not_computed_again_upside_down(compensate):
    study = parse(
        "name: s\nengine: ase.calculators.emt.EMT\nlattice: literature\n"
        "surfaces: [{material: Li6PS5Cl, name: LPSCl, miller: [1, 0, 0], layers: 1, "
        f"compensate: {str(compensate).lower()}}}]",
        "s.yaml",
    )
    jobs = [job for job, _ in study_flow(study).iterflow()]
    ends = [("Li2PS4Cl", "Li4S"), ("LiPS4Cl", "Li")]
    more = ", compensated" * compensate
    labels = [f"{top}/{bottom}{more}" for top, bottom in ends]
    turned = [f"{bottom}/{top}{more}" for top, bottom in ends]
    cuts = [job.name.partition(" cut ")[2] for job in jobs if " cut " in job.name]
    assert cuts == labels
    (told,) = (job.function_args[4] for job in jobs if job.metadata.get("result"))
    assert told["turned_over"] == dict(zip(turned, labels, strict=True))
    assert not {*labels, *turned} & set(told["left_out"])
    assert told["tasker"][labels[0]] == (2 if compensate else 3)


def test_the_table_tells_which_cuts_are_one_slab():
    surfaces = (SurfaceEnergy("A/B", 3, 6, None, 0.8),)
    result = SurfaceEnergies("AB(100)", surfaces, turned_over={"B/A": "A/B"})
    (table,) = surface_contents(result)
    assert table.caption == "upside down, not computed again: B/A is A/B"
    assert SurfaceEnergies.from_dict(result.as_dict()).turned_over == {"B/A": "A/B"}


def test_the_table_explains_a_surface_that_costs_less_than_nothing():
    low = SurfaceEnergy("A/B", 3, 6, None, -0.1)
    beyond = SurfaceEnergy("A/A", 1, 7, None, -0.2, {"A": 1})  # as its reservoir has it
    (table,) = surface_contents(SurfaceEnergies("AB(100)", (beyond, low)))
    assert table.caption.count("less than nothing") == 1
    assert "a surface of AB(100) costs -0.100 J/m²" in table.caption


B2 = (
    "{lattice: [[3, 0, 0], [0, 3, 0], [0, 0, 3]], species: [Cu, Al], "
    "frac_coords: [[0, 0, 0], [0.5, 0.5, 0.5]]}"
)
NOT_WHOLE = f"""\
name: not-whole
engine: ase.calculators.emt.EMT
relaxation: {{fmax: 0.02}}
surfaces:
  - {{material: {B2}, name: CuAl, miller: [1, 0, 0], layers: 3, symmetric: true}}
"""


def surfaces_with(tmp_path, potentials):
    """Return the energies of both ends of CuAl(100) and what tables say of them."""
    study = parse(f"{NOT_WHOLE}chemical_potentials: {potentials}\n", "s.yaml")
    project = Project.create(tmp_path / "p", study)
    assert not runner.run(project).failed
    found, _ = write_report(project)
    result = found.found["surfaces"]["CuAl(100)"]
    return result, surface_contents(result)[0]


def test_cuts_without_whole_units_need_chemical_potentials(tmp_path):
    result, table = surfaces_with(tmp_path, "{Cu: -0.1}")
    assert table.caption == (
        "γ at the chemical potentials Cu -0.100 eV of atoms beyond whole units"
    )
    assert {row[0]: row[3] for row in table.rows} == {
        "Al/Al": "-1 Cu",
        "Cu/Cu": "+1 Cu",
    }
    low, high = result.surfaces
    shifted, _ = surfaces_with(tmp_path / "other", "{Cu: -0.2}")
    a = 3.052  # of EMT's CuAl, Å
    step = 0.1 * EV_PER_A2_IN_J_PER_M2 / (2 * a**2)
    # an atom more at both ends costs what it would be worth elsewhere
    moved = {s.termination: s.relaxed for s in shifted.surfaces}
    assert moved["Cu/Cu"] - high.relaxed == pytest.approx(step, rel=2e-3)
    assert moved["Al/Al"] - low.relaxed == pytest.approx(-step, rel=2e-3)


def test_a_chemical_potential_is_that_of_a_relaxed_crystal(tmp_path):
    atoms = bulk("Cu", cubic=True)
    atoms.write(tmp_path / "copper.cif")
    result, _ = surfaces_with(tmp_path, f"{{Cu: {tmp_path / 'copper.cif'}}}")
    lengths = np.linspace(3.55, 3.65, 21)
    lowest = min(energy(bulk("Cu", a=a)) for a in lengths)
    assert result.chemical_potentials["Cu"] == pytest.approx(lowest, abs=2e-3)


def test_without_chemical_potentials_they_are_left_out_with_the_way_to_have_them():
    result = SurfaceEnergies(
        "CuAl(100)", (SurfaceEnergy("Al/Cu", 1, 6, None, 0.8),), ("Al/Al", "Cu/Cu")
    )
    (table,) = surface_contents(result)
    assert table.caption.endswith(
        "needs chemical_potentials of what is beyond them: Al/Al, Cu/Cu"
    )
    study = parse(NOT_WHOLE, "s.yaml")
    assert not any(" cut " in job.name for job, _ in study_flow(study).iterflow())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{Xx: -1}", r"chemical_potentials: Xx: 'Xx' is no element"),
        ("{Au: -1}", r"no interface and no surface has Au, only Al, Cu"),
        ("{Cu: .nan}", r"Cu: nan must be a number in eV per atom"),
        ("{Al: LiAl}", r"Al: LiAl is a crystal of Al, Li; name one of Al alone"),
        ("{Cu: -0.1, Al: 0}", r"in many ways; leave one of them out"),
        ("[-1]", r"chemical_potentials"),
    ],
)
def test_chemical_potentials_that_mean_nothing_are_refused(given, message):
    with pytest.raises(IonfaceError, match=message):
        study_flow(parse(f"{NOT_WHOLE}chemical_potentials: {given}\n", "s.yaml"))


def test_numbers_of_one_engine_are_none_of_several():
    several = NOT_WHOLE.replace("engine: ase", "engines: [chgnet, ase").replace(
        "EMT\n", "EMT]\n"
    )
    parse(f"{several}chemical_potentials: {{Cu: Cu}}\n", "s.yaml")
    with pytest.raises(IonfaceError, match=r"belongs to one engine.*\{Cu: Cu\}"):
        parse(f"{several}chemical_potentials: {{Cu: -0.1}}\n", "s.yaml")


INTERFACE = """\
name: interface
engine: ase.calculators.emt.EMT
lattice: literature
relaxation: {fmax: 0.5}
chemical_potentials: {Al: -0.1}
interfaces:
  - name: Al|Al
    film: {material: Al, name: upper, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2}
    gap: 2.0
"""


def test_potentials_that_find_no_bulk_are_told_in_the_ledger(tmp_path):
    project = Project.create(tmp_path / "p", parse(INTERFACE, "s.yaml"))
    assert not runner.run(project).failed
    (entry,) = collect(project).energies.entries
    assert not entry.bulk
    assert entry.checks[-1].endswith("of crystal layers with lattice: engine")


def test_a_convergence_needs_no_chemical_potential_of_a_surface():
    study = parse(INTERFACE + NOT_WHOLE.partition("0.02}\n")[2], "s.yaml")
    copper = replace(study, chemical_potentials={"Cu": -0.1})
    for variant in variants(copper, ["vacuum"], plane_waves=False):
        study_flow(variant.study)
