"""Jobs side by side give what jobs in turn give, and survive what ends processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.engines.durable import job_folder
from ionface.workflows.projects import runner, side_by_side, workers
from ionface.workflows.projects.observer import Observer
from ionface.workflows.projects.project import Project
from ionface.workflows.projects.schedule import Schedule
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study_files import load

pytestmark = pytest.mark.slow  # each worker imports everything anew


class Heard(Observer):
    def __init__(self):
        self.began, self.over, self.together = [], [], 0

    def job(self, name, number, total):
        self.began.append(name)
        self.together = max(self.together, len(self.began) - len(self.over))

    def ended(self, name):
        self.over.append(name)


@pytest.fixture
def project(study_file, tmp_path):
    return Project.create(tmp_path / "project", load(str(study_file)))


def test_two_workers_find_what_one_finds(project, computed):
    heard = Heard()
    outcome = runner.run(project, heard, workers=2)
    assert not outcome.failed
    assert heard.together == 2
    assert sorted(heard.began) == sorted(heard.over) == sorted(outcome.ran)
    (entry,) = collect(project).energies.entries
    (alone,) = collect(Project.open(computed)).energies.entries
    assert entry.formation.delta_e == pytest.approx(alone.formation.delta_e, abs=1e-6)
    frames = Trajectory.open(project.root / "trajectories" / "Al-Ag.ionf")
    assert list(frames.steps) == list(range(31))
    again = runner.run(project, workers=2)
    assert not again.ran
    assert len(again.kept) == len(outcome.ran)


def test_a_worker_that_is_killed_fails_its_job_and_no_other(project, monkeypatch):
    victims = []

    class Killer(Observer):
        def job(self, name, number, total):
            if name == "Al|Ag relax film" and not victims:
                victims.append(name)
                threading.Thread(target=kill_who_holds, args=(name,)).start()

    def kill_who_holds(name):
        job = next(job for job, _ in project.jobs() if job.name == name)
        until = time.monotonic() + 60
        while not (job_folder(job) / "relax.traj").is_file():
            if time.monotonic() > until:
                return
            time.sleep(0.01)
        for pid in _children():
            if Path(f"/proc/{pid}/cwd").resolve() == job_folder(job):
                os.kill(pid, signal.SIGKILL)

    outcome = runner.run(project, Killer(), workers=2)
    # a machine that is quicker than the signal has ended the job before
    for name, message in outcome.failed.items():
        assert name in victims
        assert "status -9" in message
        assert "fewer `workers`" in message
    assert not runner.run(project, workers=2).failed
    assert collect(project).energies.entries


class FakeWorker:
    """A worker that has no job, alive or not."""

    def __init__(self, *, alive):
        self.process = SimpleNamespace(is_alive=lambda: alive)
        self.job, self.over = None, False

    def begin(self, job):
        self.job = job

    def end(self):
        self.over = True


def test_a_worker_that_died_between_jobs_gets_none():
    job = SimpleNamespace(uuid="a", name="a")
    dead, living = FakeWorker(alive=False), FakeWorker(alive=True)
    crew = [dead, living]
    begun = side_by_side._begin_next(
        SimpleNamespace(root=None), Schedule([(job, [])], []), crew, 2, None, Observer()
    )
    assert begun
    assert (dead.job, dead.over, living.job, crew) == (None, True, job, [living])


def _children():
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(pid) for pid in told.stdout.split() if Path("/proc", pid).exists()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_its_parent(study_file, tmp_path, how):
    root = tmp_path / "project"
    command = [sys.executable, "-m", "ionface", "run", str(study_file)]
    process = subprocess.Popen(
        [*command, "--project", str(root), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 120
    while not list(root.glob("runs/*/result.jsonl")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(how)
    process.wait()
    deadline = time.monotonic() + 30
    while _at_work(root) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _at_work(root)
    project = Project.open(root)
    assert not runner.run(project, workers=2).failed


def _at_work(root):
    told = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in told.stdout.splitlines() if str(root) in line] or [
        folder for folder in root.glob("runs/*") if side_by_side_holds(folder)
    ]


def side_by_side_holds(folder):
    from ionface.workflows.engines.durable import is_computing

    return is_computing(folder)


def test_workers_follow_cores_and_memory(study_file, monkeypatch):
    study = load(str(study_file))
    assert workers.default_workers(study) == 1  # EMT is over before a process starts
    learned = study.with_engine("sevennet")
    monkeypatch.setattr(workers, "cores", lambda: 8)
    for gib, expected in ((100.0, 8), (9.0, 2), (1.0, 1)):
        monkeypatch.setattr(workers, "_available_gib", lambda gib=gib: gib)
        assert workers.default_workers(learned) == expected
    assert workers.default_workers(study.with_engine("vasp-double")) == 1
    assert side_by_side.cores() >= 1
