import json
import subprocess
import sys

import pytest

from ionface.analysis.readers.emulation_mark import emulated_model
from ionface.workflows.engines.vasp_double.main import main, run

from .conftest import COMMAND, STATIC, environment_of

LJ = {"epsilon": 0.3, "sigma": 2.5, "rc": 6.0}


def test_the_environment_chooses_the_calculator(run_folder, capsys):
    folder = run_folder(STATIC)
    environment = {
        "IONFACE_VASP_CALCULATOR": "ase.calculators.lj.LennardJones",
        "IONFACE_VASP_ARGUMENTS": json.dumps(LJ),
    }
    assert run(folder, environment) == 0
    assert "LennardJones(epsilon=0.3" in emulated_model(folder)
    assert "F=" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CALCULATOR", "no.such.Thing", "no calculator no.such.Thing"),
        ("FAULT", "explode", "unknown fault 'explode'"),
        ("SHIFT", "much", "IONFACE_VASP_SHIFT=much"),
        ("ARGUMENTS", "{'a': 1}", "no JSON object"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(run_folder, capsys, name, value, message):
    environment = {"IONFACE_VASP_CALCULATOR": "emt", f"IONFACE_VASP_{name}": value}
    assert run(run_folder(STATIC), environment) == 1
    assert message in capsys.readouterr().err


def test_words_are_answered_with_what_the_environment_may_say(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ionface-vasp", "--help"])
    assert main() == 2
    assert "IONFACE_VASP_CALCULATOR" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["INCAR", "POSCAR", "POTCAR"])
def test_a_missing_input_ends_the_run_with_a_word(run_folder, capsys, missing):
    folder = run_folder(STATIC)
    (folder / missing).unlink()
    assert run(folder, {"IONFACE_VASP_CALCULATOR": "emt"}) == 1
    printed = capsys.readouterr()
    assert missing in printed.err
    assert missing in printed.out  # VASP's own channel
    assert not (folder / "OUTCAR").exists()


@pytest.mark.slow
def test_it_starts_without_the_heavy_libraries(run_folder):
    code = (
        "import sys\n"
        "from ionface.workflows.engines.vasp_double.main import main\n"
        "assert main() == 0\n"
        "print(*sys.modules)"
    )
    finished = subprocess.run(
        [COMMAND[0], "-c", code],
        cwd=run_folder(STATIC),
        env=environment_of(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(finished.stdout.split())
    heavy = {"torch", "pymatgen", "jobflow", "monty", "matplotlib", "pandas"}
    assert not loaded & heavy
