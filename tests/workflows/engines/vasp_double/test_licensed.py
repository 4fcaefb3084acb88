import h5py
import numpy as np
from pymatgen.io.vasp import Outcar

from ionface.workflows.engines.vasp_double.licensed import (
    copy_without_potcar,
    without_potcar,
)
from ionface.workflows.engines.vasp_double.stand_in_potcars import stand_in

SECRET = "local part of the licensed text"


def test_vaspout_loses_the_potcar_and_not_only_its_name(tmp_path):
    source, target = tmp_path / "vaspout.h5", tmp_path / "copy.h5"
    with h5py.File(source, "w") as file:
        file["input/potcar/content"] = SECRET * 50
        file["input/incar/NSW"] = 3
        file["results/positions"] = np.arange(6.0).reshape(2, 3)
        file["results"].attrs["unit"] = "A"
    assert copy_without_potcar(source, target) == ""
    with h5py.File(target) as file:
        assert "potcar" not in file["input"]
        assert file["input/incar/NSW"][()] == 3
        assert file["results/positions"][:].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert file["results"].attrs["unit"] == "A"
    assert SECRET.encode() in source.read_bytes()
    assert SECRET.encode() not in target.read_bytes()


def test_an_outcar_keeps_titles_and_numbers_only(realdata, tmp_path):
    source = realdata / "sisl-files/tests/vasp/graphene_md/OUTCAR"
    target = tmp_path / "OUTCAR"
    assert copy_without_potcar(source, target) == ""
    text = target.read_text()
    for word in ("COPYR", "SHA256", "Atomic configuration", "RCORE", "RDEPT"):
        assert word in source.read_text(errors="replace")
        assert word not in text
    assert "TITEL  = PAW_PBE C_s 06Sep2000" in text
    assert "ENMAX  =  273.911" in text
    old, new = Outcar(source), Outcar(target)
    assert (old.final_energy, old.nelect) == (new.final_energy, new.nelect)


def test_the_real_vasprun_and_vaspout_pass(realdata, tmp_path):
    folder = realdata / "sisl-files/tests/vasp/graphene_md"
    for name in ("vasprun.xml", "vaspout.nopotcar.h5", "OSZICAR"):
        assert copy_without_potcar(folder / name, tmp_path / name) == ""
        assert (tmp_path / name).stat().st_size > 0


def test_any_other_file_with_a_potcar_inside_is_left_out(tmp_path):
    (tmp_path / "notes.txt").write_text("x" * 3_000_000 + stand_in("Li"))
    reason = copy_without_potcar(tmp_path / "notes.txt", tmp_path / "copy.txt")
    assert "POTCAR" in reason
    assert not (tmp_path / "copy.txt").exists()


def test_a_damaged_vaspout_is_left_out(tmp_path):
    (tmp_path / "vaspout.h5").write_bytes(b"no HDF5")
    assert "cannot be read" in copy_without_potcar(
        tmp_path / "vaspout.h5", tmp_path / "copy.h5"
    )
    assert not (tmp_path / "copy.h5").exists()


def test_lines_outside_the_description_stay():
    lines = [
        " POTCAR:    PAW_PBE Li\n",
        "   RCORE  = 1\n",
        " POSCAR: x\n",
        "   RCORE y\n",
    ]
    assert list(without_potcar(iter(lines))) == [lines[0], lines[2], lines[3]]
