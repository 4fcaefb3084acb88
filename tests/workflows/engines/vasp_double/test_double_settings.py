import numpy as np
import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double import incar_reader
from ionface.workflows.engines.vasp_double.double_settings import (
    AMU,
    BOLTZMANN,
    degrees_of_freedom,
    nose_mass,
    resolve,
)
from ionface.workflows.engines.vasp_double.pseudopotentials import parse

POTENTIALS = parse("Li\nS\n")


def settings(text="", counts=(2, 1)):
    tags = {
        name: incar_reader.typed(name, value)
        for name, value in incar_reader.parse(text).items()
    }
    return resolve(tags, POTENTIALS, counts)


def test_the_defaults_are_vasps():
    found = settings()
    assert (found.move, found.steps, found.isif, found.nelm) == ("static", 1, 2, 60)
    assert found.ediff == 1e-4
    assert found.ediffg == pytest.approx(10 * found.ediff)
    assert found.n_electrons == 2 * 1 + 6
    assert found.encut == max(p.enmax for p in POTENTIALS)
    assert settings("NSW = 5\nPOTIM = 1\n").move == "dynamics"
    assert settings("NSW = 5\nIBRION = 0\nPOTIM = 1\n").isif == 0


@pytest.mark.parametrize(
    ("text", "move"),
    [("IBRION=2;NSW=9", "cg"), ("IBRION=1;NSW=9", "quasi-newton"),
     ("IBRION=3;NSW=9", "damped"), ("IBRION=-1;NSW=9", "static"),
     ("IBRION=2;NSW=0", "static")],
)  # fmt: skip
def test_ibrion_chooses_how_ions_move(text, move):
    assert settings(text).move == move


@pytest.mark.parametrize(
    "text",
    [
        "IBRION = 5\nNSW = 1",
        "IBRION = 0\nNSW = 5",
        "IBRION = 0\nNSW = 5\nPOTIM = 1\nMDALGO = 3",
        "IBRION = 0\nNSW = 5\nPOTIM = 1\nMDALGO = 1\nANDERSEN_PROB = 0.5",
        "IBRION = 0\nNSW = 5\nPOTIM = 1\nISIF = 3",
        "ISIF = 8",
        "PSTRESS = 10",
        "ML_LMLFF = T",
        "LSORBIT = T",
        "SMASS = -4",
        "NELM = 0",
        "IMAGES = 4",
    ],
)
def test_what_would_run_differently_is_refused(text):
    with pytest.raises(InputError, match="cannot be emulated"):
        settings(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("SMASS=0", "nose"), ("SMASS=2", "nose"), ("SMASS=-3", "nve"), ("", "nve"),
     ("SMASS=-1", "rescale"), ("SMASS=-2", "constant"), ("MDALGO=1", "nve"),
     ("MDALGO=2;SMASS=0", "nose")],
)  # fmt: skip
def test_smass_chooses_the_ensemble(text, kind):
    assert settings(f"IBRION=0;NSW=5;POTIM=1;{text}").thermostat == kind


@pytest.mark.parametrize("isif", range(8))
def test_isif_chooses_what_relaxes(isif):
    found = settings(f"IBRION=2\nNSW=5\nISIF={isif}")
    assert found.relaxes_cell == (isif >= 3)
    assert found.moves_ions == (isif < 5)


def test_fixed_coordinates_carry_no_temperature():
    assert degrees_of_freedom(None, 10) == 27  # less the centre of mass
    free = np.ones((10, 3), dtype=bool)
    free[:4] = False
    assert degrees_of_freedom(free, 10) == 18


def test_smass_zero_has_a_period_of_forty_steps():
    cell = np.diag([9.0, 7.0, 30.0])
    found = settings("IBRION=0\nNSW=5\nPOTIM=2\nSMASS=0\nTEBEG=300\nTEEND=600")
    inertia = nose_mass(found, cell, 57) * AMU * 81
    omega = np.sqrt(2 * 57 * BOLTZMANN * 600 / inertia)
    assert 2 * np.pi / omega == pytest.approx(40 * 2)


def test_smass_zero_becomes_the_number_that_vasp_prints(realdata):
    import gzip
    import re

    path = (
        realdata
        / "pymatgen-core/test-files/io/vasp/outputs/vasprun.bad_random_seed.xml.gz"
    )
    text = gzip.decompress(path.read_bytes()).decode(errors="replace")
    basis = re.search(r'name="basis" >(.*?)</varray>', text, re.DOTALL)[1]
    cell = np.array(re.findall(r"-?\d+\.\d+", basis), dtype=float).reshape(3, 3)
    tags = "IBRION=0\nNSW=300\nPOTIM=2\nSMASS=0\nTEBEG=800"
    printed = float(re.findall(r'name="SMASS">\s*([\d.]+)', text)[1])
    assert nose_mass(settings(tags), cell, 3 * 50 - 3) == pytest.approx(
        printed, rel=1e-5
    )
