"""Run directories of a few metal atoms on a classical potential."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from ionface.workflows.engines.vasp_double.emulate import emulate
from ionface.workflows.engines.vasp_double.faults import Faults, parse
from ionface.workflows.engines.vasp_double.model import model
from ionface.workflows.engines.vasp_double.potcars import stand_in

ROOT = Path(__file__).parents[4]
STATIC = "ENCUT = 300\nISMEAR = 0\nISIF = 2\n"
RELAX = "IBRION = 2\nNSW = 60\nEDIFFG = -0.02\nISIF = 2\n"
DYNAMICS = (
    "IBRION = 0\nNSW = 8\nMDALGO = 2\nSMASS = 0\nPOTIM = 3\nTEBEG = 600\nISIF = 2\n"
)


def alloy(amplitude=0.05, repeat=(1, 1, 2)):
    """Aluminium with some copper, off its rest positions."""
    atoms = bulk("Al", cubic=True) * repeat
    atoms.symbols[-2:] = "Cu"
    atoms.rattle(amplitude, seed=1)
    return atoms


@pytest.fixture
def realdata() -> Path:
    fallback = ROOT.parent / "shared" / "realdata"
    folder = Path(os.environ.get("IONFACE_REALDATA", fallback))
    if not folder.is_dir():
        pytest.skip(f"real VASP outputs are not at {folder} (IONFACE_REALDATA)")
    return folder


@pytest.fixture
def run_folder(tmp_path):
    """Return a function that writes the inputs of a run."""

    def make(incar, atoms=None, mesh="1 1 1", name="run"):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        atoms = alloy() if atoms is None else atoms
        atoms = atoms[np.argsort(atoms.numbers, kind="stable")]
        write(folder / "POSCAR", atoms, format="vasp", direct=True)
        (folder / "INCAR").write_text(incar)
        (folder / "KPOINTS").write_text(f"mesh\n0\nGamma\n{mesh}\n0 0 0\n")
        symbols = dict.fromkeys(atoms.get_chemical_symbols())
        (folder / "POTCAR").write_text("".join(map(stand_in, symbols)))
        return folder

    return make


@pytest.fixture
def here():
    """Return a function that runs the stand-in here and returns what it prints."""

    def run(folder, fault="", calculator="emt", shift=-5.0, arguments="{}"):
        console = io.StringIO()
        faults = Faults(folder, parse(fault), console, io.StringIO())
        emulate(folder, model(calculator, arguments, shift), faults)
        return console.getvalue()

    return run


@pytest.fixture
def double():
    """Return a function that runs the executable in a process of its own."""

    def run(folder, fault=""):
        return subprocess.run(
            COMMAND,
            cwd=folder,
            env=environment_of(IONFACE_VASP_FAULT=fault),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


COMMAND = [sys.executable, "-m", "ionface.workflows.engines.vasp_double"]


def environment_of(**more):
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
        "IONFACE_VASP_CALCULATOR": "emt",
        "IONFACE_VASP_SHIFT": "-5",
        **more,
    }
