"""POTCARs are VASP's licensed text: they are in the run's own folder, nowhere else."""

import gzip
import os
import re
import sys
import tarfile
from pathlib import Path

import pytest

from ionface.workflows.engines.vasp.aimd import VaspDynamicsMaker
from ionface.workflows.engines.vasp.custodian_run import Custody
from ionface.workflows.engines.vasp.vasp_relax import VaspRelaxMaker
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import Project
from ionface.workflows.report.project_report import write_report
from ionface.workflows.study.study_files import parse

ROOT = Path(__file__).parents[2]
SKIPPED = {
    ".venv",
    ".git",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "dist",
}
# a block of POTCAR's data follows its header: fixed-width numbers, five in a row
DATA = re.compile(
    rb"END of PSCTR-controll parameters[^\n]*\n(?:[^\n]*\n){0,40}?"
    rb"(?:(?:\s+-?\d*\.\d{6,}E[-+]\d\d){5}\s*\n){3}"
)
HASHED = re.compile(rb"SHA256\s*=\s*[0-9a-f]{64}\s+\w+/POTCAR")
NUMBERS = (
    "  0.31415926E+01  0.27182818E+01  0.14142135E+01  0.17320508E+01  0.1618E+01\n"
)
POTCAR = """\
  PAW_PBE Al 04Jan2001
   3.00000000000000
 parameters from PSCTR are:
   SHA256 =  {hash} Al/POTCAR
   {copyright} = (c) nobody: written for a test
   VRHFIN =Al: s2p1
   LEXCH  = PE
   TITEL  = PAW_PBE Al 04Jan2001
   POMASS =   26.982; ZVAL   =    3.000    mass and valenz
   RCORE  =    1.900    outmost cutoff radius
   ENMAX  =  240.300; ENMIN  =  180.225 eV
END of PSCTR-controll parameters
 {part}
   98.2657514061040
{numbers}
 End of Dataset
""".format(
    hash="a" * 64, numbers=20 * NUMBERS, part="local" + " part", copyright="COPYR"
)
SECRETS = (b"0.31415926E+01  0.27182818E+01", b"written for a test", b"a" * 64)
STUDY = """\
name: al-ag
engine: vasp
lattice: literature
interfaces:
  - name: Al|Ag
    film: {{material: Al, miller: [1, 0, 0], layers: 2}}
    substrate: {{material: Al, miller: [1, 0, 0], layers: 2, name: Ag}}
    max_area: 20
    vacuum: 12
relaxation: {{fmax: 0.1, steps: 60}}
dynamics:
  - {{interface: Al|Ag, steps: 6, pairs: [Al-Al], prerelax: 1}}
vasp: {{vasp_cmd: {command}, prerelax: 'off', dipole: 'off', k_spacing: 1.0}}
"""


def contents(path):
    """Yield the bytes of a file, and of what is packed in it."""
    data = path.read_bytes()
    yield data
    if path.suffixes[-2:] == [".tar", ".gz"]:
        with tarfile.open(path) as archive:
            for member in archive.getmembers():
                if (stream := archive.extractfile(member)) is not None:
                    yield stream.read()
    elif path.suffix == ".gz":
        yield gzip.decompress(data)


def files(root, skipped=()):
    for folder, names, found in os.walk(root):
        names[:] = [n for n in names if n not in SKIPPED and n not in skipped]
        yield from (Path(folder) / name for name in found)


def is_licensed(data):
    return any(pattern.search(data) for pattern in (DATA, HASHED))


def test_the_patterns_find_a_potcar_and_an_outcar_that_describes_one():
    assert is_licensed(POTCAR.encode())
    outcar = b"   SHA256 =  " + b"a" * 64 + b" Al/POTCAR\n"
    assert is_licensed(outcar)
    assert not is_licensed(Path(__file__).read_bytes())


def test_no_file_of_the_repository_holds_the_text_of_a_potcar():
    for path in files(ROOT):
        if not path.is_file() or path.stat().st_size > 50e6:
            continue
        for data in contents(path):
            assert not is_licensed(data), path


@pytest.fixture
def licensed(tmp_path, monkeypatch):
    """A library with one POTCAR whose data can be recognized."""
    from pymatgen.core import SETTINGS

    sub = tmp_path / "library" / "POT_GGA_PAW_PBE_54"
    sub.mkdir(parents=True)
    (sub / "POTCAR.Al").write_text(POTCAR)
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(tmp_path / "library"))
    monkeypatch.setenv("IONFACE_VASP_CALCULATOR", "emt")
    monkeypatch.setenv("IONFACE_VASP_SHIFT", "-5")


@pytest.mark.slow
def test_a_project_keeps_titles_and_hashes_only(licensed, tmp_path):
    command = f"{sys.executable} -m ionface.workflows.engines.vasp_double"
    study = parse(STUDY.format(command=command), "al-ag")
    project = Project.create(tmp_path / "p", study)
    for job, _ in project.jobs():
        if isinstance(job.maker, VaspRelaxMaker | VaspDynamicsMaker):
            job.maker.custody = Custody(polling_s=0.1)  # custodian looks every 10 s
    assert not runner.run(project).failed
    write_report(project)
    own, others = [], []
    for path in files(project.root):
        held = any(secret in data for data in contents(path) for secret in SECRETS)
        (own if held else others).append(path)
    assert own, "the runs had a POTCAR"
    assert {path.name.partition(".")[0] for path in own} == {"POTCAR"}
    assert {path.relative_to(project.root).parts[0] for path in own} == {"runs"}
    names = {path.name for path in others}
    assert names >= {"store.sqlite", "report.html", "energies.json", "potcars.json"}
    assert any(b"PAW_PBE Al 04Jan2001" in p.read_bytes() for p in others)  # the title
