import gzip

import pytest

from ionface.workflows.engines.vasp_double.marks import emulated, mark

from .conftest import STATIC

MODEL = "ase.calculators.emt.EMT() ase"


@pytest.mark.parametrize("kept", ["vasprun.xml", "OUTCAR"])
def test_either_file_tells_the_model(run_folder, here, kept):
    folder = run_folder(STATIC)
    here(folder)
    for name in {"vasprun.xml", "OUTCAR"} - {kept}:
        (folder / name).unlink()
    assert emulated(folder).startswith(MODEL)
    assert emulated(folder / kept).startswith(MODEL)
    (folder / f"{kept}.gz").write_bytes(gzip.compress((folder / kept).read_bytes()))
    (folder / kept).unlink()
    assert emulated(str(folder)).startswith(MODEL)


def test_real_outputs_have_no_mark(realdata):
    real = realdata / "sisl-files/tests/vasp/graphene_md"
    assert emulated(real) is None
    assert emulated(real / "OUTCAR") is None


def test_a_mark_elsewhere_does_not_count(tmp_path):
    told = mark("nothing")
    (tmp_path / "OUTCAR").write_text(f" vasp.6.4.3 19Mar24\n SYSTEM = {told}\n")
    assert emulated(tmp_path) is None
    text = f"<modeling><generator></generator><incar>{told}</incar>"
    (tmp_path / "vasprun.xml").write_text(text)
    assert emulated(tmp_path) is None


def test_nothing_and_what_is_damaged_have_no_mark(tmp_path):
    assert emulated(tmp_path) is None
    (tmp_path / "vasprun.xml.gz").write_bytes(b"\x1f\x8b garbage")
    assert emulated(tmp_path) is None


def test_placeholders_say_what_they_are(run_folder, here):
    folder = run_folder(STATIC)
    here(folder)
    for name in ("WAVECAR", "CHGCAR", "CHG"):
        assert b"emulated by ionface" in (folder / name).read_bytes()
