"""The local runner: nothing that was finished is computed twice, whatever happens."""

import json
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import IonfaceError
from ionface.workflows.flows.jobs import JOINED
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study_files import load


@pytest.fixture
def project(study_file, tmp_path):
    return Project.create(tmp_path / "project", load(str(study_file)))


def test_a_study_runs_from_models_to_energies_and_rdfs(computed):
    results = collect(Project.open(computed))
    (entry,) = results.energies.entries
    energy = entry.formation
    parts = energy.e_interface - sum(energy.e_slabs.values())
    assert energy.delta_e == pytest.approx(parts)
    assert energy.ev_per_a2 == pytest.approx(parts / energy.area)
    assert entry.level.code == "ase"
    # metals of like size stick together, and a strained slab costs energy
    assert energy.delta_e < 0 < sum(entry.strain_energy.values())
    assert set(results.found["rdf"]) == {"Al|Ag", "Al"}
    assert set(results.found["bonds"]) == {"Al|Ag"}
    assert results.at_rest["Al"].pairs.keys() == {"Al-Al"}
    assert not results.provenance.marks


def test_the_segments_make_one_continuous_trajectory(computed):
    frames = Trajectory.open(computed / "trajectories" / "Al-Ag.ionf")
    assert list(frames.steps) == list(range(31))
    assert frames.times_fs[-1] == 60.0
    assert not frames.skipped.count


def test_status_tells_the_mean_pressure_of_finished_runs(computed, cli):
    states = {state.name: state for state in runner.states(Project.open(computed))}
    note = states["Al trajectory"].note
    assert note.startswith("mean pressure -")  # EMT's aluminium is smaller than ours
    assert note.endswith(": under tension")
    assert not states["Al|Ag trajectory"].note  # its vacuum dilutes the stress
    said = cli("status", "--project", computed)
    assert "under tension" in " ".join(said.stdout.split())
    (states["Al trajectory"].folder / JOINED).unlink()
    told = [state.note for state in runner.states(Project.open(computed))]
    assert not any(told)  # an archive may hold no frames


def test_a_second_run_computes_nothing(computed):
    project = Project.open(computed)
    before = _finished(computed)
    second = runner.run(project)
    assert second.ran == []
    assert len(second.kept) == len(before) == 23
    assert _finished(computed) == before


def test_a_project_whose_jobs_are_on_a_cluster_is_not_computed_here(project, computed):
    (project.root / "submission.json").write_text('{"submission": "abc"}')
    with pytest.raises(IonfaceError, match=r"submitted to a cluster, and \d+ of its"):
        runner.run(project)
    assert not list(project.runs.glob("*"))
    (computed / "submission.json").write_text('{"submission": "abc"}')
    assert not runner.run(Project.open(computed)).ran  # as after an import


def test_a_failed_job_blocks_only_its_children_and_says_why(energies_only, monkeypatch):
    project = energies_only("lattice: literature\n")
    from ase.calculators.emt import EMT

    def broken(*_args, **_kwargs):
        raise RuntimeError("the potential is out of order")

    monkeypatch.setattr(EMT, "calculate", broken)
    outcome = runner.run(project)
    assert "Al|Ag close gap" in outcome.failed
    assert "out of order" in outcome.failed["Al|Ag close gap"]
    assert "Al|Ag ledger" in outcome.blocked
    assert outcome.ran == ["Al|Ag build"]
    states = {state.name: state for state in runner.states(project)}
    assert states["Al|Ag close gap"].state == "failed"
    assert "out of order" in states["Al|Ag close gap"].note
    assert states["Al|Ag ledger"].state == "waiting"
    monkeypatch.undo()
    mended = runner.run(project)
    assert not mended.failed
    assert "Al|Ag build" in mended.kept


@pytest.fixture
def energies_only(study_file, tmp_path):
    """Return a function that makes a project of the study without its dynamics."""

    def make(more=""):
        text = study_file.read_text().partition("dynamics:")[0]
        study_file.write_text(text + more)
        return Project.create(tmp_path / "energies", load(str(study_file)))

    return make


@pytest.mark.slow
def test_an_unconverged_energy_never_reaches_the_table(energies_only):
    project = energies_only("relaxation: {fmax: 1.0e-9, steps: 2}\n")
    outcome = runner.run(project)
    assert "not converged after 2 steps" in outcome.failed["Al|Ag relax film"]
    assert "Al|Ag ledger" in outcome.blocked
    assert not collect(project).energies.entries


@pytest.mark.slow
def test_a_long_relaxation_is_finished_by_running_again(energies_only):
    project = energies_only("relaxation: {fmax: 0.005, steps: 6}\n")
    rounds = 1
    while runner.run(project).failed:
        rounds += 1
        assert rounds < 20
    assert rounds > 1
    assert len(collect(project).energies.entries) == 1


@pytest.mark.slow
def test_what_libraries_print_is_kept_out_of_our_output(
    energies_only, monkeypatch, capsys
):
    project = energies_only()
    from ase.calculators.emt import EMT

    construct = EMT.__init__

    def chatty(self, *args, **kwargs):
        sys.stdout.write("welcome to the potential")
        construct(self, *args, **kwargs)

    monkeypatch.setattr(EMT, "__init__", chatty)
    assert not runner.run(project).failed
    assert "welcome" not in capsys.readouterr().out
    heard = list(project.runs.glob("Al-Ag.static.film.*/output.txt"))
    assert "welcome" in heard[0].read_text()


@pytest.mark.slow
def test_frozen_slabs_are_evaluated_as_they_are_in_the_interface(
    energies_only, computed
):
    frozen = energies_only("slabs: frozen\n")
    assert not runner.run(frozen).failed
    (entry,) = collect(frozen).energies.entries
    assert entry.slabs_state == "frozen"
    (other,) = collect(Project.open(computed)).energies.entries
    # relaxing the references can only lower them
    assert entry.formation.delta_e <= other.formation.delta_e + 1e-6


def test_two_runs_at_once_are_refused(project):
    with project.locked(), pytest.raises(IonfaceError, match="being run by process"):
        runner.run(project)


def _start(study_file, root):
    return subprocess.Popen(
        [sys.executable, "-m", "ionface", "run", str(study_file), "--project", root],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _finished(root):
    from ionface.workflows.projects.sqlite_store import SqliteStore

    path = root / "store.sqlite"
    if not path.is_file():
        return {}
    store = SqliteStore(path)
    return {doc["uuid"]: doc["completed_at"] for doc in store.query()}


@pytest.mark.slow
@pytest.mark.parametrize(("how", "kills"), [(signal.SIGINT, 1), (signal.SIGKILL, 3)])
def test_a_run_that_is_killed_loses_nothing(cli, study_file, tmp_path, how, kills):
    root = tmp_path / "project"
    before: dict[str, str] = {}
    for kill in range(kills):
        process = _start(study_file, str(root))
        enough = len(before) + 3
        while len(_finished(root)) < enough and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(how)
        _, errors = process.communicate()
        if how == signal.SIGINT and process.returncode:
            assert process.returncode == 1
            assert "run the same command again to go on" in errors
        after = _finished(root)
        assert before.items() <= after.items(), f"kill {kill} lost a finished job"
        before = after
    run = cli("run", study_file, "--project", root)
    assert run.returncode == 0, run.stderr
    # a job that was finished was not computed again: its document is the same one
    assert before.items() <= _finished(root).items()
    frames = Trajectory.open(root / "trajectories" / "Al-Ag.ionf")
    assert list(frames.steps) == list(range(31))
    assert "report:" in run.stdout


@contextmanager
def _files_at_most(size):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_disk_that_fills_up_stops_the_run_and_loses_nothing(
    study_file, cli, tmp_path
):
    """A limit on the size of files stands in for the full disk."""
    root = tmp_path / "project"
    before: dict[str, str] = {}
    for size in (30_000, 120_000):
        with _files_at_most(size):
            run = cli("run", study_file, "--project", root)
        assert run.returncode == 1
        assert "Nothing finished is lost" in run.stderr or "nothing that" in run.stderr
        assert "Traceback" not in run.stderr
        after = _finished(root)
        assert before.items() <= after.items()
        before = after
    run = cli("run", study_file, "--project", root)
    assert run.returncode == 0, run.stderr
    assert before.items() <= _finished(root).items()
    frames = Trajectory.open(root / "trajectories" / "Al-Ag.ionf")
    assert list(frames.steps) == list(range(31))


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys")
def test_a_place_where_nobody_may_write_is_refused(cli, study_file):
    run = cli("run", study_file, "--project", "/sys/kernel/ionface")
    assert run.returncode == 1
    assert "cannot write" in run.stderr


def test_the_status_of_a_new_project_is_all_waiting(project):
    assert {state.state for state in runner.states(project)} == {"waiting"}


def test_every_job_can_be_found_again_by_the_path_stored_with_it(project):
    from importlib import import_module

    stored = json.loads((project.root / "flow.json").read_text())

    def functions(node):
        if isinstance(node, dict):
            if node.get("@callable") and "workflows" in str(node.get("@module")):
                yield node["@module"], node["@callable"]
            for value in node.values():
                yield from functions(value)
        elif isinstance(node, list):
            for value in node:
                yield from functions(value)

    found = set(functions(stored))
    assert found
    for module, name in found:
        target = import_module(module)
        for part in name.split("."):
            target = getattr(target, part)
        assert module != "__main__"
