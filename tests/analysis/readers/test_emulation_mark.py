import gzip

import pytest

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
