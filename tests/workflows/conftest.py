"""A study small enough to run whole in a second or two, on a classical potential."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
"""
DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def study_file(tmp_path):
    """A user's study: one interface of a library crystal and a CIF file."""
    shutil.copy(DATA / "Ag.cif", tmp_path)
    path = tmp_path / "al-ag.yaml"
    path.write_text(AL_AG)
    return path


@pytest.fixture
def cli(tmp_path):
    """Run the command line as a user does, in a process of its own."""

    def run(*words, timeout=120, **options):
        return subprocess.run(
            [sys.executable, "-m", "workflows", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=timeout,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            **options,
        )

    return run
