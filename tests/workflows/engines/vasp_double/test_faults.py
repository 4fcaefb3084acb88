"""Each fault, and what custodian makes of it."""

import io
import signal
import sys
import warnings
from pathlib import Path

import pytest
from custodian.custodian import (
    Custodian,
    ReturnCodeError,
    ValidationError,
)
from custodian.vasp.handlers import (
    FrozenJobErrorHandler,
    NonConvergingErrorHandler,
    StdErrHandler,
    UnconvergedErrorHandler,
    VaspErrorHandler,
    WalltimeHandler,
)
from custodian.vasp.jobs import VaspJob
from custodian.vasp.validators import VaspFilesValidator, VasprunXMLValidator
from pymatgen.io.vasp import Incar, Oszicar, Outcar, Vasprun, Xdatcar

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.errors import InputError
from ionface.workflows.engines.vasp.run_frames import read_state
from ionface.workflows.engines.vasp_double.faults import (
    MESSAGES,
    ON_STDERR,
    WARNINGS,
    CrashError,
    Faults,
    parse,
)

from .conftest import COMMAND, DYNAMICS, RELAX, STATIC, environment_of

# custodian and pymatgen warn of the stand-in POTCAR, and leave files open
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def custodian(run_folder, monkeypatch):
    """Run a folder under custodian as the engine does; return the folder."""

    def run(incar, fault, handlers, validators=(), folder=None, monitor=False):
        if folder is None:
            folder = run_folder(incar)
        for name, value in environment_of(IONFACE_VASP_FAULT=fault).items():
            monkeypatch.setenv(name, value)
        job = VaspJob(COMMAND, auto_npar=False, backup=False, auto_gamma=False)
        Custodian(
            handlers,
            [job],
            validators=list(validators),
            max_errors=3,
            polling_time_step=0.1,
            monitor_freq=1 if monitor else 10_000,
            directory=str(folder),
        ).run()
        return folder

    return run


def _complete_steps(folder: Path) -> int:
    return sum(1 for _ in VasprunStream(folder / "vasprun.xml").steps())


def _read(folder: Path) -> Vasprun:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Vasprun(folder / "vasprun.xml", parse_potcar_file=False)


@pytest.mark.parametrize(
    "error",
    [
        "zbrent",
        *(
            pytest.param(e, marks=pytest.mark.slow)
            for e in ("edddav", "brmix", "zpotrf")
        ),
    ],
)
def test_custodian_mends_what_vasp_complains_of_and_runs_it_again(custodian, error):
    folder = custodian(
        RELAX,
        f"{error}:3",
        [VaspErrorHandler()],
        [VasprunXMLValidator(), VaspFilesValidator()],
    )
    assert _read(folder).converged
    backups = sorted(path.name for path in folder.glob("error.*.tar.gz"))
    assert backups == ["error.1.tar.gz"]


@pytest.mark.slow
def test_electrons_that_do_not_converge_get_another_algorithm(custodian):
    folder = custodian(
        STATIC + "NELM = 20\nALGO = Fast\n", "scf", [UnconvergedErrorHandler()]
    )
    assert Incar.from_file(folder / "INCAR")["ALGO"] == "Normal"
    assert _read(folder).converged_electronic


@pytest.mark.slow
def test_a_run_whose_electrons_never_converge_is_recognized(run_folder, double):
    folder = run_folder(DYNAMICS.replace("NSW = 8", "NSW = 13") + "NELM = 15\n")
    run = double(folder, "scf:all!")
    assert run.returncode == 0
    assert "electronic self-consistency was not achieved" in run.stdout
    assert not _read(folder).converged_electronic
    assert {len(s) for s in Oszicar(folder / "OSZICAR").electronic_steps} == {15}
    assert NonConvergingErrorHandler().check(str(folder))


def test_a_killed_run_leaves_its_complete_steps_and_the_next_one_succeeds(custodian):
    with pytest.raises(ReturnCodeError):
        custodian(DYNAMICS, "kill:4", [VaspErrorHandler()])


def test_a_kill_is_a_kill(run_folder, double):
    folder = run_folder(DYNAMICS)
    assert double(folder, "kill:4").returncode == -signal.SIGKILL
    stream = VasprunStream(folder / "vasprun.xml")
    assert len(list(stream.steps())) == 3
    assert "ends inside an ionic step" in stream.reason
    assert read_state((folder / "CONTCAR").read_bytes()) is not None
    assert double(folder, "kill:4").returncode == 0  # once only
    assert _complete_steps(folder) == 8


@pytest.mark.slow
def test_a_kill_for_ever_strikes_every_time(run_folder, double):
    folder = run_folder(DYNAMICS)
    assert double(folder, "kill:2!").returncode == -signal.SIGKILL
    assert double(folder, "kill:2!").returncode == -signal.SIGKILL


class HasHung(FrozenJobErrorHandler):
    """Sees a run as frozen once the fault has struck, and not by the clock."""

    seen = False

    def check(self, directory="./"):
        hung = Path(directory, ".ionface-fault-hang").exists() and not self.seen
        self.seen = self.seen or hung
        return hung


@pytest.mark.slow
def test_a_hung_run_is_ended_and_goes_on_from_its_last_geometry(custodian):
    folder = custodian(RELAX, "hang:4", [HasHung()], monitor=True)
    assert _read(folder).converged
    assert 1 <= _complete_steps(folder) < 20


class AfterThreeSteps(WalltimeHandler):
    """Asks to stop after three steps, whatever they took."""

    def check(self, directory="./"):
        oszicar = Path(directory, "OSZICAR")
        done = oszicar.is_file() and oszicar.read_text().count("T=") >= 3
        return done and super().check(directory)


@pytest.mark.slow
def test_a_run_at_its_walltime_is_asked_to_stop_and_does(custodian):
    handler = AfterThreeSteps(wall_time=1, buffer_time=1)
    folder = custodian(
        DYNAMICS.replace("NSW = 8", "NSW = 300"), "slow:0.1", [handler], monitor=True
    )
    outcar = Outcar(folder / "OUTCAR")
    assert outcar.is_stopped
    assert outcar.run_stats["Elapsed time (sec)"] > 0
    steps = _complete_steps(folder)
    assert 3 <= steps < 300
    assert _read(folder).nionic_steps == steps  # closed properly


@pytest.mark.slow
def test_a_truncated_vasprun_fails_validation_once(custodian):
    with pytest.raises(ValidationError):
        custodian(RELAX, "truncate", [], [VasprunXMLValidator()])


def test_a_truncated_vasprun_keeps_its_first_steps(run_folder, here):
    folder = run_folder(RELAX)
    here(folder, fault="truncate")
    stream = VasprunStream(folder / "vasprun.xml")
    kept = len(list(stream.steps()))
    assert stream.reason
    assert 0 < kept < len(Oszicar(folder / "OSZICAR").electronic_steps)
    here(folder, fault="truncate")
    assert _read(folder).converged


@pytest.mark.slow
def test_a_full_disk_ends_the_run_within_a_line(run_folder, double):
    folder = run_folder(RELAX)
    run = double(folder, "full-disk:3")
    assert run.returncode == 38
    assert "No space left on device" in run.stderr
    assert "severe (38)" in run.stderr
    assert not (folder / "OUTCAR").read_text().endswith("\n")
    assert _complete_steps(folder) == 2
    assert double(folder, "full-disk:3").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_disk_that_is_really_full_reads_the_same(run_folder, double):
    folder = run_folder(STATIC)
    (folder / "OUTCAR").symlink_to("/dev/full")
    run = double(folder)
    assert run.returncode == 38
    assert "No space left on device" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_torn_contcar_is_no_state_to_go_on_from(run_folder, double):
    folder = run_folder(DYNAMICS)
    run = double(folder, "torn-contcar:3")
    assert run.returncode == -signal.SIGKILL
    assert read_state((folder / "CONTCAR").read_bytes()) is None
    assert _complete_steps(folder) == 3


def test_merged_columns_hold_the_same_frames(run_folder, here):
    plain, merged = (
        run_folder(DYNAMICS, name="plain"),
        run_folder(DYNAMICS, name="merged"),
    )
    here(plain)
    here(merged, fault="merge")
    row = (merged / "XDATCAR").read_text().splitlines()[8]
    assert len(row.split()) < 3
    one, other = (open_trajectory(f / "XDATCAR").segments[0] for f in (plain, merged))
    shift = (one.positions - other.positions) / one.lattices[0, 1, 1]
    assert shift == pytest.approx(shift.round(), abs=1e-6)


def test_overflowing_integers_are_asterisks_that_parsers_survive(run_folder, here):
    folder = run_folder(DYNAMICS)
    here(folder, fault="stars")
    assert "configuration=******" in (folder / "XDATCAR").read_text()
    assert 'RANDOM_SEED">******' in (folder / "vasprun.xml").read_text()
    assert Outcar(folder / "OUTCAR").data["nplwv"] == [[None]]
    assert _read(folder).nionic_steps == 8
    assert len(Xdatcar(folder / "XDATCAR").structures) == 8
    assert len(open_trajectory(folder / "XDATCAR").segments[0].steps) == 8


@pytest.mark.slow
def test_two_faults_strike_one_after_the_other(run_folder, double):
    folder = run_folder(DYNAMICS)
    codes = [double(folder, "zbrent:2, kill:3").returncode for _ in range(3)]
    assert codes == [1, -signal.SIGKILL, 0]


@pytest.mark.parametrize("words", ["explode", "kill:soon", "slow:x", "scf:some"])
def test_an_unknown_fault_is_refused(words):
    with pytest.raises(InputError, match="fault"):
        parse(words)


def test_words_become_faults(tmp_path):
    one, two, three = parse("kill:3, slow:0.5, zbrent!")
    assert (one.name, one.step, one.always) == ("kill", 3, False)
    assert two.argument == "0.5"
    assert three.always
    (tmp_path / one.marker).touch()
    armed = Faults(tmp_path, [one, two, three], sys.stdout, sys.stderr).armed
    assert sorted(armed) == ["slow", "zbrent"]
    assert [path.name for path in tmp_path.iterdir()] == [one.marker]


KNOWN = {**VaspErrorHandler.error_msgs, **StdErrHandler.error_msgs}


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_custodian_knows_each_message_by_its_name(tmp_path, name):
    assert any(pattern in MESSAGES[name] for pattern in KNOWN[name])
    console, errors = io.StringIO(), io.StringIO()
    faults = Faults(tmp_path, parse(name), console, errors)
    if name in WARNINGS:
        faults.within(1)
    else:
        with pytest.raises(CrashError):
            faults.within(1)
    told, other = (errors, console) if name in ON_STDERR else (console, errors)
    assert MESSAGES[name] in told.getvalue()
    assert not other.getvalue()
