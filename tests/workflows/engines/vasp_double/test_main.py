import json

import pytest

from ionface.workflows.engines.vasp_double.main import main
from ionface.workflows.engines.vasp_double.marks import emulated

from .conftest import STATIC

LJ = {"epsilon": 0.3, "sigma": 2.5, "rc": 6.0}


def test_the_environment_chooses_the_calculator(run_folder, monkeypatch, capsys):
    folder = run_folder(STATIC)
    monkeypatch.chdir(folder)
    told = {
        "IONFACE_VASP_CALCULATOR": "ase.calculators.lj.LennardJones",
        "IONFACE_VASP_ARGUMENTS": json.dumps(LJ),
    }
    assert main([], told) == 0
    assert "LennardJones(epsilon=0.3" in emulated(folder)
    assert "F=" in capsys.readouterr().out


def test_words_win_over_the_environment(run_folder, monkeypatch):
    folder = run_folder(STATIC)
    monkeypatch.chdir(folder)
    told = {"IONFACE_VASP_CALCULATOR": "no.such.Thing"}
    assert main(["--calculator", "emt"], told) == 0
    assert "emt.EMT" in emulated(folder)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--calculator", "no.such.Thing"], 1, "no calculator no.such.Thing"),
        (["--fault", "explode", "--calculator", "emt"], 1, "unknown fault 'explode'"),
        (["--mode", "replay"], 1, "IONFACE_VASP_REGISTRY"),
        (["--record", "true"], 1, "IONFACE_VASP_REGISTRY"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(
    run_folder, monkeypatch, capsys, words, status, told
):
    monkeypatch.chdir(run_folder(STATIC))
    assert main(words, {}) == status
    assert told in capsys.readouterr().err


def test_a_wrong_environment_is_said_too(run_folder, monkeypatch, capsys):
    monkeypatch.chdir(run_folder(STATIC))
    assert main([], {"IONFACE_VASP_MODE": "dream"}) == 1
    assert "'dream'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([], {"IONFACE_VASP_SHIFT": "much"})
    assert "much" in capsys.readouterr().err


def test_wrong_usage_is_status_two(run_folder, monkeypatch, capsys):
    monkeypatch.chdir(run_folder(STATIC))
    with pytest.raises(SystemExit) as caught:
        main(["--no-such-option"], {})
    assert caught.value.code == 2
