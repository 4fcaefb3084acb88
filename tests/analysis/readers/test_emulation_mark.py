"""A trajectory tells what it is worth: nobody has to open its files again."""

import gzip

import pytest

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.emulation_mark import EMULATED_MARK, emulated_model

MARK = f"{EMULATED_MARK} (emt of ase (any))"
FILES = {
    "vasprun.xml": f"<modeling><generator>vasp {MARK}</generator></modeling>",
    "OUTCAR": f" vasp.6.4.3 {MARK}\n executed on a machine\n",
}


@pytest.mark.parametrize("name", FILES)
def test_either_file_tells_the_model(tmp_path, name):
    (tmp_path / name).write_text(FILES[name])
    assert emulated_model(tmp_path) == "emt of ase (any)"
    assert emulated_model(tmp_path / name) == "emt of ase (any)"
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(FILES[name].encode()))
    (tmp_path / name).unlink()
    assert emulated_model(str(tmp_path)) == "emt of ase (any)"


def test_real_outputs_have_no_mark(realdata):
    real = realdata / "sisl-files/tests/vasp/graphene_md"
    assert emulated_model(real) is None
    assert emulated_model(real / "OUTCAR") is None


def test_a_mark_elsewhere_does_not_count(tmp_path):
    told = f"{EMULATED_MARK} (nothing)"
    (tmp_path / "OUTCAR").write_text(f" vasp.6.4.3 19Mar24\n SYSTEM = {told}\n")
    assert emulated_model(tmp_path) is None
    text = f"<modeling><generator></generator><incar>{told}</incar>"
    (tmp_path / "vasprun.xml").write_text(text)
    assert emulated_model(tmp_path) is None


def test_nothing_and_what_is_damaged_have_no_mark(tmp_path):
    assert emulated_model(tmp_path) is None
    (tmp_path / "vasprun.xml.gz").write_bytes(b"\x1f\x8b garbage")
    assert emulated_model(tmp_path) is None


GENERATOR = (
    ' <generator>\n  <i name="program" type="string">vasp </i>\n'
    '  <i name="version" type="string">6.4.3  </i>\n'
    '  <i name="subversion" type="string">{} </i>\n </generator>\n'
)


def vasprun(run, build):
    return run.vasprun().replace(
        "<modeling>\n", "<modeling>\n" + GENERATOR.format(build)
    )


def test_the_mark_of_the_stand_in_reaches_the_level_of_theory(tmp_path, run):
    path = tmp_path / "vasprun.xml"
    path.write_text(vasprun(run, f"{EMULATED_MARK} (emt)"))
    level = open_trajectory(path).meta["level_of_theory"]
    assert (level["code"], level["emulated"], level["model"]) == ("vasp", True, "emt")
    path.write_text(vasprun(run, "complex parallel"))
    assert not open_trajectory(path).meta["level_of_theory"]["emulated"]


@pytest.mark.parametrize("name", ["OUTCAR", "vasprun.xml"])
def test_an_xdatcar_is_what_the_outputs_beside_it_are(tmp_path, run, name):
    (tmp_path / "XDATCAR").write_text(run.xdatcar())
    assert open_trajectory(tmp_path / "XDATCAR").meta == {}
    text = vasprun(run, f"{EMULATED_MARK} (emt)")
    if name == "OUTCAR":
        text = run.outcar().replace("(build)", f"{EMULATED_MARK} (emt)")
    (tmp_path / name).write_text(text)
    for path in (tmp_path / "XDATCAR", tmp_path / name, tmp_path):
        assert open_trajectory(path).meta["level_of_theory"]["emulated"]
