"""Handlers suit the job, and the wall time is given to custodian, not guessed."""

import json

import pytest
from custodian.vasp.handlers import (
    IncorrectSmearingHandler,
    LargeSigmaHandler,
    PotimErrorHandler,
    UnconvergedErrorHandler,
    VaspErrorHandler,
    WalltimeHandler,
)

from ionface.errors import IonfaceError
from ionface.workflows.engines.vasp.custodian_run import command
from ionface.workflows.engines.vasp.error_handlers import (
    ContcarKeeper,
    WholeOutput,
    handlers,
)
from ionface.workflows.engines.vasp.outputs import was_stopped
from ionface.workflows.study.vasp_settings import VaspSettings

KINDS = ("relax", "static", "dynamics")


def of(kind, wanted, walltime=None):
    return [h for h in handlers(kind, walltime) if isinstance(h, wanted)]


@pytest.fixture(autouse=True)
def no_batch_job(monkeypatch):
    monkeypatch.setenv("CUSTODIAN_WALLTIME_START", "x")
    for name in ("CUSTODIAN_WALLTIME_START", "PBS_WALLTIME", "SBATCH_TIMELIMIT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("kind", KINDS)
def test_no_handler_changes_the_smearing(kind):
    assert not of(kind, LargeSigmaHandler | IncorrectSmearingHandler)
    assert of(kind, VaspErrorHandler)


def test_dynamics_are_not_mended_like_relaxations():
    assert of("relax", PotimErrorHandler)
    assert not of("dynamics", PotimErrorHandler | UnconvergedErrorHandler)
    (errors,) = of("dynamics", VaspErrorHandler)
    assert "brions" not in errors.errors_subset_to_catch
    assert "edddav" in errors.errors_subset_to_catch
    assert of("dynamics", ContcarKeeper)


@pytest.mark.parametrize("kind", KINDS)
def test_the_wall_time_is_passed_explicitly(kind):
    assert not of(kind, WalltimeHandler)
    (handler,) = of(kind, WalltimeHandler, walltime=7200)
    assert handler.wall_time == 7200
    assert handler.buffer_time == VaspSettings().reserve
    # a single point has no ionic step to stop after
    assert handler.electronic_step_stop == (kind == "static")


def test_the_command_of_the_study_comes_first():
    assert command(VaspSettings(vasp_cmd="srun my_vasp")) == "srun my_vasp"


def test_without_a_command_and_without_vasp_there_is_a_clear_message(monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(IonfaceError, match=r"no VASP command.*vasp_cmd"):
        command(VaspSettings())


def test_the_keeper_copies_whole_states_only(tmp_path):
    keeper = ContcarKeeper()
    row = "0.1 0.2 0.3\n"
    state = f"x\n1.0\n5 0 0\n0 5 0\n0 0 5\nLi\n2\nDirect\n{row * 2}\n{row * 2}"
    (tmp_path / "CONTCAR").write_text(state)
    assert not keeper.check(str(tmp_path))
    assert (tmp_path / "CONTCAR.kept").read_text() == state
    (tmp_path / "CONTCAR").write_text(state[:60])
    keeper.check(str(tmp_path))
    assert (tmp_path / "CONTCAR.kept").read_text() == state


def test_an_output_without_an_end_is_not_whole(tmp_path):
    assert WholeOutput().check(str(tmp_path))
    (tmp_path / "vasprun.xml").write_text("<modeling><incar>")
    assert WholeOutput().check(str(tmp_path))


def test_a_single_point_stopped_within_its_electrons_has_not_converged(tmp_path):
    assert not was_stopped(tmp_path)
    (tmp_path / "OUTCAR").write_text("hard stop encountered!  aborting job ...\n")
    assert was_stopped(tmp_path)
    (tmp_path / "OUTCAR").write_text("aborting loop because EDIFF is reached\n")
    log = [{"corrections": [{"errors": ["Walltime reached"], "actions": None}]}]
    (tmp_path / "custodian.json").write_text(json.dumps(log))
    assert not was_stopped(tmp_path)
    (tmp_path / "OUTCAR").write_text("no such line\n")
    assert was_stopped(tmp_path)
