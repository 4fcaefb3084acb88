"""Registry scans through the runner, on a classical potential."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase.calculators import emt

from ionface.analysis.energies.registry_energies import RegistryEnergies
from ionface.errors import StructureError
from ionface.structures.film_registry import registry_grid
from ionface.structures.interface import build_interface
from ionface.structures.specs import RegistryScan
from ionface.workflows.engines.ase.ase_engine import from_import_path
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.flows import registry_scan
from ionface.workflows.flows.jobs import build
from ionface.workflows.flows.models import ModelBuilder
from ionface.workflows.flows.registry_scan import at_best, scan_in_process
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.runner import run
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study_files import load

SCAN = """\
name: al-ag
engine: ase.calculators.emt.EMT
lattice: literature
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 2}
    max_strain: 0.03
    max_area: 20
    vacuum: 12
    scan: {spacing: 0.8, gaps: [-0.4, 0.0, 0.4]}
relaxation: {fmax: 0.1}
"""
EMT = from_import_path("ase.calculators.emt.EMT", {}, "EMT")


@pytest.fixture
def study(study_file):
    study_file.write_text(SCAN)
    return load(str(study_file))


@pytest.fixture
def model(study):
    return build_interface(study.interfaces[0])


def scanned(model, scan, monkeypatch, folder):
    monkeypatch.chdir(folder)
    data = scan_in_process.original(model, scan, EMT)
    return RegistryEnergies.from_dict(data)


def test_the_lowest_point_is_the_hollow_site(model, monkeypatch, tmp_path):
    found = scanned(model, RegistryScan(0.5, (-0.3, 0.0, 0.3)), monkeypatch, tmp_path)
    # on fcc(100) the film's atoms sit above the hollows of the substrate
    best = at_best(model, found).structure
    phases = np.array([site.properties["phase"] for site in best])
    z = best.cart_coords[:, 2]
    low = best[int(np.argmin(np.where(phases == "Al", z, np.inf)))]
    top = [
        site
        for site, phase, height in zip(best, phases, z, strict=True)
        if phase != "Al" and height > z[phases != "Al"].max() - 0.5
    ]
    distances = sorted(low.distance(site) for site in top)
    plane = min(np.linalg.norm(best.lattice.matrix[:2], axis=1))
    assert distances[0] > 0.5 * plane / np.sqrt(2)  # beside, not above, an atom
    assert found.corrugation > 0


def test_the_landscape_is_that_of_energies_one_by_one(model, monkeypatch, tmp_path):
    scan = RegistryScan(0.8, (0.0, 0.5))
    found = scanned(model, scan, monkeypatch, tmp_path)
    grid = registry_grid(model, 0.8)
    assert np.shape(found.energies) == (len(grid.points), 2)
    point, gap = found.best
    assert found.energies[point][gap] == np.min(found.energies)
    placed = at_best(model, found)
    atoms = atoms_of(placed.structure)
    atoms.calc = emt.EMT()
    assert atoms.get_potential_energy() == pytest.approx(found.energies[point][gap])


def test_an_interrupted_scan_goes_on_where_it_was(model, monkeypatch, tmp_path):
    scan = RegistryScan(0.8, (0.0, 0.5))
    whole = scanned(model, scan, monkeypatch, tmp_path)
    kept = tmp_path / registry_scan.ENERGIES
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:3]) + "\n" + lines[3][:4])  # killed in a write
    calls = []
    real = registry_scan.rigid_energy
    monkeypatch.setattr(
        registry_scan, "rigid_energy", lambda *a: (calls.append(1), real(*a))[1]
    )
    again = scanned(model, scan, monkeypatch, tmp_path)
    assert len(calls) == len(lines) - 3
    assert again.energies == pytest.approx(np.array(whole.energies))


def test_a_scan_without_gaps_is_refused(model, monkeypatch, tmp_path):
    with pytest.raises(StructureError, match="scan gaps="):
        scanned(model, RegistryScan(0.8, ()), monkeypatch, tmp_path)


def test_a_study_is_run_at_the_best_registry_and_shows_the_landscape(study, tmp_path):
    project = Project.create(tmp_path / "p", study)
    outcome = run(project)
    assert not outcome.failed
    results = collect(project)
    found = results.found["landscape"]["Al|Ag"]
    model = results.models["Al|Ag"]
    assert model.gap == pytest.approx(found.gaps[found.best])
    assert model.registry == pytest.approx(found.shifts[found.best[0]])
    from ionface.workflows.report.project_report import write_report

    _, page = write_report(project)
    assert "Registry scans" in page.read_text()
    written = json.loads((project.results / "landscape-Al-Ag.json").read_text())
    assert written["energies"] == found.energies.tolist()
    assert (project.results / "landscape-Al-Ag.svg").stat().st_size > 10_000


def test_other_engines_get_a_static_job_for_each_point(model, study):
    class Static:
        def make(self, structure):
            return build(study.interfaces[0])

    class AnyEngine:
        in_process = False

        def static(self):
            return Static()

    scan = RegistryScan(0.8, (0.0, 0.5))
    spec = replace(study.interfaces[0], scan=scan)
    models = ModelBuilder(lambda role: AnyEngine(), lattice="literature").models(spec)
    names = [job.name.removeprefix("Al|Ag ") for job in models.jobs]
    points = 2 * len(registry_grid(model, 0.8).points)
    assert (names[0], names[-2:]) == ("build", ["registry scan", "place"])
    assert names[1:3] == ["scan point 0", "scan static 0"]
    assert len(names) == 2 * points + 3
    static, placed = models.jobs[2], models.jobs[-1]
    assert (static.metadata["kind"], static.metadata["role"]) == ("static", "formation")
    assert placed.metadata["like"] == models.jobs[0].uuid
    assert placed.metadata["result"] == "model"
