"""Each fault once, in a whole study: it ends right, or says why not and goes on.

docs/vasp.md has the outcomes as a table; the slow test compares it with what happens.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.collect import collect
from ionface.workflows.study.study_files import parse

DOCS = Path(__file__).parents[4] / "docs" / "vasp.md"
STEPS = 12
INTERFACE = """\
name: al-ag
engine: vasp-double
lattice: literature
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 2}
    substrate: {material: Al, miller: [1, 0, 0], layers: 2, name: Ag}
    max_area: 20
    vacuum: 12
vasp: {dipole: 'off', k_spacing: 1.0}
"""
STUDIES = {
    "relaxation": INTERFACE + "relaxation: {fmax: 0.02, steps: 100}\n",
    "dynamics": INTERFACE
    + "formation: []\ndynamics:\n"
    + f"  - {{interface: Al|Ag, steps: {STEPS}, pairs: [Al-Al], prerelax: 1}}\n",
}
FAULTS = {
    "kill:3": "killed within a step",
    "torn-contcar:3": "killed while CONTCAR is written",
    "stop:3": "wall time",
    "scf:3": "electrons do not converge in one step",
    "scf:all": "electrons do not converge in any step",
    "truncate": "vasprun.xml cut off",
    "merge": "merged columns in XDATCAR",
    "stars": "`******` for large integers",
    "full-disk:3": "full disk",
    "zbrent:3": "ZBRENT, a crash of relaxations",
    "edddav:3": "EDDDAV, a crash of the electrons",
}
FAST = [("kill:3", "dynamics"), ("truncate", "dynamics")]
STOPPED = """\
import os, pathlib, subprocess, sys, time
done = pathlib.Path(os.environ["STOP_MARK"])
process = subprocess.Popen(sys.argv[1:])
while process.poll() is None:
    output = pathlib.Path("OSZICAR")
    if not done.exists() and output.is_file() and output.read_text().count("E0=") >= 3:
        done.touch()
        pathlib.Path("STOPCAR").write_text("LSTOP = .TRUE.")
    time.sleep(0.002)
sys.exit(process.returncode)
"""


@pytest.fixture
def rehearse(tmp_path, monkeypatch):
    """Run a study with a fault until all is done; return how it went."""
    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", "emt")
    monkeypatch.setenv("IONFACE_VASP_SHIFT", "-5")
    monkeypatch.setenv("STOP_MARK", str(tmp_path / "stopped"))
    (tmp_path / "stopped.py").write_text(STOPPED)

    def run(fault, kind):
        marks = tmp_path / "marks" / kind / fault
        monkeypatch.setenv("IONFACE_VASP_MARKS", str(marks))
        stop = fault.startswith("stop")
        monkeypatch.setenv("IONFACE_VASP_FAULT", "" if stop else fault)
        text = STUDIES[kind]
        if stop:
            import sys

            command = f"{sys.executable} {tmp_path / 'stopped.py'} {sys.executable}"
            command += " -m ionface.workflows.engines.vasp_double"
            text = text.replace("vasp: {", f"vasp: {{vasp_cmd: {command}, ")
        project = Project.create(tmp_path / kind / (fault or "none"), parse(text, "s"))
        first = runner.run(project)
        messages = list(first.failed.values())
        runs, outcome = 1, first
        while outcome.failed and runs < 4:
            outcome = runner.run(project)
            runs += 1
        struck = stop or not fault or any(marks.iterdir())
        return project, messages, runs, bool(struck), not outcome.failed

    return run


def corrections(project):
    """Return what custodian says that it mended."""
    found = []
    for log in sorted(project.runs.glob("*/*/custodian.json")):
        for entry in json.loads(log.read_text()):
            for one in entry.get("corrections", []):
                found += [e for e in one["errors"] or [] if e not in found]
    return found


def result_of(project, kind):
    """Return the numbers that a fault must not change."""
    if kind == "relaxation":
        (entry,) = collect(project).energies.entries
        energy = entry.formation
        return np.array([energy.e_interface, *energy.e_slabs.values()])
    trajectory = Trajectory.open(project.root / "trajectories" / "Al-Ag.ionf")
    assert trajectory.steps.tolist() == list(range(STEPS))
    # from the first frame on: which image of an atom is followed does not matter
    return np.asarray(trajectory.positions) - np.asarray(trajectory.positions)[0]


def outcome(messages, mended):
    """Return in words what happened, for the table."""
    words = []
    if mended:
        words.append(f"mended ({', '.join(sorted(mended))})")
    if messages:
        (message,) = messages
        assert "run" in message
        assert "again" in message
        known = ("VASP failed", "wall time", "not converged", "did not converge")
        said = next(text for text in known if text in message)
        words.append(f'stops ("{said} ..."), goes on when run again')
    return "; ".join(words) or "ends by itself"


def rehearsed(rehearse, fault, kind):
    """Run a study with a fault and without; return the outcome if both agree."""
    good = result_of(rehearse("", kind)[0], kind)
    project, messages, runs, struck, ended = rehearse(fault, kind)
    assert struck, "the fault never struck"
    assert ended
    assert runs == 1 + len(messages)
    found = result_of(project, kind)
    # relaxations end anywhere below the criterion; dynamics are one and the same
    tolerance = 5e-3 if kind == "relaxation" else 2e-6
    np.testing.assert_allclose(found, good, atol=tolerance)
    return outcome(messages, corrections(project))


def table():
    """Return the documented outcomes by fault and kind."""
    text = DOCS.read_text().partition("## Faults")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line[:1] == "|"]
    header, _, *body = ([cell.strip() for cell in row] for row in rows)
    return {
        (row[0], kind): row[1 + n] for row in body for n, kind in enumerate(header[1:])
    }


def allowed(documented):
    """Return the outcomes that a cell of the table allows.

    Custodian looks at a running VASP now and then: what it sees of a fault that strikes
    in every step, and so how many corrections it takes, is a matter of time.
    """
    mended, may, stops = documented.partition("; may stop")
    return {mended, f"{mended}; stops{stops}"} if may else {documented}


def test_the_table_has_every_fault():
    assert {fault for fault, _ in table()} == set(FAULTS.values())


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "kind"), FAST)
def test_a_fault_has_the_documented_outcome(rehearse, fault, kind):
    assert rehearsed(rehearse, fault, kind) in allowed(table()[FAULTS[fault], kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", STUDIES)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_the_documented_outcome(rehearse, fault, kind):
    documented = table()[FAULTS[fault], kind]
    if documented == "–":
        pytest.skip("it does not happen there")
    assert rehearsed(rehearse, fault, kind) in allowed(documented)
