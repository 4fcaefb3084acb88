"""CP2K's data in small, and a program in its place that says what it is told to."""

import pytest
from pymatgen.core import Lattice, Structure

BASES = """\
# a comment
 Li SZV-MOLOPT-SR-GTH SZV-MOLOPT-SR-GTH-q3
 1
 2 0 1 1 2 1
   0.9 0.1 0.2 0.3
 Li DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q3
 1
 2 0 1 2 3 1
   0.9 0.1 0.2 0.3 0.4
   0.1 0.1 0.2 0.3 0.4
 Cl DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q7
 2
 3 0 1 1 2 2
   0.9 0.1 0.2 0.3 0.4
 3 2 2 1 1
   0.5 1.0
 Cl TZVP-MOLOPT-PBE-GTH-q7 TZVP-MOLOPT-GGA-GTH-q7
 1
 2 0 0 1 3
   0.9 0.1 0.2 0.3
 Am DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q9
 1
 2 0 0 1 1
   0.9 1.0
"""
POTENTIALS = """\
Li GTH-PBE-q1
    1
     0.4 1 -1.0
    0
Li GTH-PBE-q3 GTH-PBE
    3
     0.4 1 -1.0
    0
Cl GTH-PBE-q7 GTH-PBE
    2    5
     0.4 1 -1.0
    0
"""
PROGRAM = """\
#!/bin/sh
if [ "$1" = --version ]; then echo " CP2K version 2023.1"; exit 0; fi
echo "$2" >> runs.txt
cat ../said.txt > "$4"
[ -f ../words.txt ] && . ../words.txt
exit 0
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The folder of a few elements' data."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "BASIS_MOLOPT").write_text(BASES)
    (folder / "GTH_POTENTIALS").write_text(POTENTIALS)
    monkeypatch.setenv("CP2K_DATA_DIR", str(folder))
    return folder


@pytest.fixture
def installed(data, tmp_path, monkeypatch):
    """A program that copies `said.txt` of the job into its output."""
    program = tmp_path / "bin" / "cp2k.psmp"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


@pytest.fixture
def chloride():
    """LiCl, in its primitive cell."""
    lattice = Lattice.from_parameters(3.6, 3.6, 3.6, 60, 60, 60)
    return Structure(lattice, ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
