"""What tests of workflows share: a small study, its project, a command line."""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from ionface.structures.clusters import cut_cluster
from ionface.structures.ledger_cell import with_context
from ionface.workflows.cli.entry import answer
from ionface.workflows.engines.vasp.incar import PlaneWaves
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.study.protocols import LI_2024, LUO_2021
from ionface.workflows.study.study_files import load
from ionface.workflows.study.vasp_settings import VaspSettings

AL_AG = """\
name: al-ag
engine: ase.calculators.emt.EMT
interfaces:
  - name: Al|Ag
    film: {material: Al, miller: [1, 0, 0], layers: 3}
    substrate: {material: Ag.cif, miller: [1, 0, 0], layers: 3}
    max_strain: 0.03
    max_area: 20
    vacuum: 12
dynamics:
  - interface: Al|Ag
    steps: 30
    segment: 12
    pairs: [Al-Ag]
    references: [Al]
    cutoff: 5
    windows: 3
    prerelax: 3
references:
  - {crystal: Al, pairs: [Al-Al], steps: 6, min_atoms: 8}
lattice: literature
"""
DATA = Path(__file__).parent.parent / "data"


def write_study(folder):
    """Write a user's study: one interface of a library crystal and a CIF file."""
    shutil.copy(DATA / "Ag.cif", folder)
    path = folder / "al-ag.yaml"
    path.write_text(AL_AG)
    return path


@pytest.fixture
def springs(tmp_path, monkeypatch):
    """Install an engine that is not ours as another package would: an entry point."""
    package = tmp_path / "installed" / "springs-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: springs\nVersion: 1.0\n")
    entry = "[ionface.engines]\nsprings = springs_engine:Springs\n"
    (package / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(package.parent)
    monkeypatch.syspath_prepend(Path(__file__).parent / "engines" / "springs")


@pytest.fixture
def study_file(tmp_path):
    return write_study(tmp_path)


@pytest.fixture(scope="session")
def computed_file(tmp_path_factory):
    """The study of `computed`; a project knows the CIF files of its study by path."""
    return write_study(tmp_path_factory.mktemp("al-ag"))


@pytest.fixture(scope="session")
def computed_once(computed_file):
    root = computed_file.parent / "p"
    assert not runner.run(Project.create(root, load(str(computed_file)))).failed
    with closing(sqlite3.connect(root / "store.sqlite")) as store:
        # the run's own connection may still be open: let the file hold everything
        store.execute("pragma wal_checkpoint(truncate)")
    return root


@pytest.fixture
def computed(computed_once, tmp_path):
    """A project `p` of the study in which every job is done, for one test alone."""
    return shutil.copytree(computed_once, tmp_path / "p")


@dataclass(frozen=True)
class Answer:
    """What a command line left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(tmp_path):
    """Run the command line in this process, with the messages that users get."""

    def run(*words):
        out, err = io.StringIO(), io.StringIO()
        with chdir(tmp_path), redirect_stdout(out), redirect_stderr(err):
            status = answer([str(word) for word in words])
        return Answer(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def shell(tmp_path):
    """Run the command line as a user does, in a process of its own."""

    def run(*words, **options):
        return subprocess.run(
            [sys.executable, "-m", "ionface", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            **options,
        )

    return run


@pytest.fixture
def plain_figures(monkeypatch):
    """Reports whose figures are made but not drawn: drawing takes longer than a study.

    For tests of what else a report says.
    """
    from ionface.analysis.figures.pointer import Drawn
    from ionface.workflows.report import project_report

    monkeypatch.setattr(
        project_report, "drawn", lambda figure: Drawn("<svg/>", "<svg/>", [])
    )


ENMAX = {"Li": 140.0, "Li_sv": 499.0, "Al": 240.3, "Ag": 249.8, "H": 250.0, "O": 400.0}
VALENCE = {"Li": 1.0, "Li_sv": 3.0, "Al": 3.0, "Ag": 11.0, "H": 1.0, "O": 6.0}


@pytest.fixture
def slab():
    """Two layers each of Ag and Al under 20 Å of vacuum, atoms of both mixed."""
    a = 4.08 / np.sqrt(2)
    lattice = Lattice.orthorhombic(a, a, 26.0)
    species = ["Ag", "Al", "Ag", "Al"]
    z = [0.0, 4.08, 2.04, 6.0]
    xy = [(0, 0), (0, 0), (a / 2, a / 2), (a / 2, a / 2)]
    coords = [[x, y, h] for (x, y), h in zip(xy, z, strict=True)]
    return Structure(
        lattice,
        species,
        coords,
        coords_are_cartesian=True,
        site_properties={
            "phase": ["Ag", "Al", "Ag", "Al"],
            "layer": [0, 0, 1, 1],
            "fixed": [True, False, False, False],
        },
    )


@pytest.fixture
def cluster(slab):
    """Three atoms of the slab, cut out of it."""
    return cut_cluster(slab, 0, 3)


@pytest.fixture
def in_ledger(slab):
    """The slab as the interface of a ledger, with vacuum."""
    told = {
        "part": "interface",
        "cell": slab.lattice.matrix.tolist(),
        "vacuum": 20.0,
    }
    return with_context(slab, **told)


@pytest.fixture
def li_2024():
    return PlaneWaves(LI_2024, VaspSettings())


@pytest.fixture
def luo_2021():
    return PlaneWaves(LUO_2021, VaspSettings())


def stand_in(symbol):
    """Return the header lines that we read of a POTCAR, and nothing of its data."""
    return (
        f"  PAW_PBE {symbol} 01Jan2000\n {VALENCE[symbol]}\n"
        "parameters from PSCTR are:\n"
        f"   TITEL  = PAW_PBE {symbol} 01Jan2000\n   LEXCH  = PE\n"
        f"   POMASS =   10.000; ZVAL   =   {VALENCE[symbol]:.3f}    mass and valenz\n"
        f"   ENMAX  =  {ENMAX[symbol]:.3f}; ENMIN  =  100.000 eV\n"
        "END of PSCTR-controll parameters\n 1.0 2.0\n End of Dataset\n"
    )


def write_library(folder):
    """Write stand-in POTCARs and return the folder of the release."""
    sub = folder / "POT_GGA_PAW_PBE_54"
    sub.mkdir(parents=True)
    for symbol in ENMAX:
        (sub / f"POTCAR.{symbol}").write_text(stand_in(symbol))
    return sub


@pytest.fixture
def potcar_library(tmp_path, monkeypatch):
    """A library of stand-in POTCARs that pymatgen finds."""
    from pymatgen.core import SETTINGS

    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(tmp_path / "potcars"))
    return write_library(tmp_path / "potcars")


@pytest.fixture(scope="module")
def shared_library(tmp_path_factory):
    """The same for a whole file of tests."""
    from pymatgen.core import SETTINGS

    folder = tmp_path_factory.mktemp("library") / "potcars"
    write_library(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(folder))
        yield folder


@pytest.fixture
def double(potcar_library, monkeypatch):
    """The engine on the stand-in executable with a classical potential."""
    from ionface.workflows.engines.vasp_double.engine import (
        StandInWaves,
        VaspDoubleEngine,
        double_command,
    )

    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", "ase.calculators.emt.EMT")

    def engine(wrapper=None, prerelax=None, **settings):
        command = " ".join(filter(None, [wrapper, double_command()]))
        given = VaspSettings(vasp_cmd=command, k_spacing=1.0, **settings)
        return VaspDoubleEngine(waves=StandInWaves(LI_2024, given), prerelax=prerelax)

    return engine


INTERRUPTER = '''\
"""Start the rest of the command line; interrupt it after so many ionic steps."""
import pathlib, signal, subprocess, sys, time

how, steps = sys.argv[1], int(sys.argv[2])
process = subprocess.Popen(sys.argv[3:])
whole = 0  # lines of a state that was written to its end
marker = pathlib.Path(sys.argv[0]).with_name("interrupted")
while process.poll() is None:
    output = pathlib.Path("vasprun.xml")
    done = output.read_text().count("</calculation>") if output.is_file() else 0
    state = pathlib.Path("CONTCAR")
    if state.is_file():
        whole = max(whole, state.read_text().count("\\n"))
    if done >= steps and not marker.exists():
        if how == "kill":
            # not while it rewrites its state: that is another test
            process.send_signal(signal.SIGSTOP)
            text = state.read_text() if state.is_file() else ""
            if text.endswith("\\n") and text.count("\\n") >= whole:
                process.kill()
                marker.touch()
            process.send_signal(signal.SIGCONT)
        else:
            marker.touch()
            pathlib.Path("STOPCAR").write_text("LSTOP = .TRUE.\\n")
    time.sleep(0.002)
sys.exit(process.returncode)
'''


@pytest.fixture
def interrupter(tmp_path):
    """A prefix of the command that kills or stops VASP once, after some steps."""
    import sys

    path = tmp_path / "interrupter.py"
    path.write_text(INTERRUPTER)
    return lambda how, steps: f"{sys.executable} {path} {how} {steps}"


@pytest.fixture
def run_job(tmp_path, monkeypatch):
    """Run a job as the local runner does: in its folder below runs/."""

    def run(name, job):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(folder)
        make = job.function.original
        return make(job.maker, *job.function_args, **job.function_kwargs)

    return run


def _differences(recorded, found, at=""):
    """Return one line per value that differs, with its path."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        return [
            line
            for key in sorted(recorded.keys() | found.keys())
            for line in _differences(
                recorded.get(key, "absent"), found.get(key, "absent"), f"{at}/{key}"
            )
        ]
    return [] if recorded == found else [f"{at}: {recorded} -> {found}"]


@pytest.fixture(scope="session")
def differences():
    """A function that compares nested plain data and names what differs."""
    return _differences
