"""Running VASP under custodian, through atomate2: its command, its time, its end."""

from __future__ import annotations

import re
import shlex
import shutil
import warnings
from dataclasses import dataclass
from datetime import datetime
from os.path import expandvars
from pathlib import Path

from custodian.custodian import CustodianError
from custodian.vasp.handlers import WalltimeHandler
from custodian.vasp.validators import VaspFilesValidator
from monty.json import MSONable
from pymatgen.io.vasp import Kpoints

from ionface.errors import IonfaceError, KilledError
from ionface.workflows.engines.contract import Kind
from ionface.workflows.engines.vasp.error_handlers import WholeOutput, handlers
from ionface.workflows.study.vasp_settings import VaspSettings

MAX_ERRORS = 5
SAID = re.compile(
    "severe|error|very bad news|fatal|BRMIX|segmentation|no space left", re.IGNORECASE
)
"""What VASP, its run-time library or the system say of an end that has a cause."""


@dataclass(frozen=True)
class Custody(MSONable):
    """How custodian watches a run.

    Attributes:
        polling_s: seconds between two looks at the process.
        monitor_every: looks between two checks of the running outputs.
        positive_energies: a positive energy is no error, as of an executable whose
            zero of energy is not that of separated atoms.
    """

    polling_s: float = 10.0
    monitor_every: int = 6
    positive_energies: bool = False


def command(settings: VaspSettings) -> str:
    """Return the command that runs VASP.

    Raises:
        IonfaceError: none is configured and there is no vasp_std on the PATH.
    """
    if settings.vasp_cmd:
        return settings.vasp_cmd
    from atomate2 import SETTINGS

    configured = str(SETTINGS.VASP_CMD)
    if configured != "vasp_std" or shutil.which("vasp_std"):
        return configured
    raise IonfaceError(
        "no VASP command: there is no vasp_std on the PATH; say how VASP is started in "
        "the study, as in vasp: {vasp_cmd: srun vasp_std}, or in ATOMATE2_VASP_CMD"
    )


def check_executable(settings: VaspSettings) -> None:
    """Refuse a command that this machine cannot start.

    Raises:
        IonfaceError: its first word is no program here.
    """
    words = shlex.split(expandvars(command(settings)))
    if not words or not shutil.which(words[0]):
        raise IonfaceError(
            f"the VASP command {command(settings)!r} cannot be started here: "
            f"{words[0] if words else 'it'} is no program on the PATH; load its "
            "module, or correct vasp.vasp_cmd"
        )


def check_time_left(settings: VaspSettings) -> None:
    """Refuse to start VASP where it would be asked to stop at once.

    The wall time is that of the batch job, and began with its first VASP run.

    Raises:
        IonfaceError: what is left is less than the reserve.
    """
    if settings.walltime_s is None:
        return
    handler = WalltimeHandler(wall_time=settings.walltime_s)
    spent = (datetime.now() - handler.start_time).total_seconds()
    if settings.walltime_s - spent < settings.reserve:
        raise IonfaceError(
            f"not started, since the wall time of {settings.walltime_s} s is over; run "
            "the same command again, in a new batch job"
        )


def run(run_folder: Path, kind: Kind, settings: VaspSettings, custody: Custody) -> None:
    """Run VASP in a folder that holds its inputs, until it ends.

    Raises:
        KilledError: VASP died without a word.
        IonfaceError: VASP failed and custodian could not mend it.
    """
    from atomate2.vasp.run import run_vasp

    check_executable(settings)
    chosen = command(settings)
    if settings.vasp_gamma_cmd and _is_gamma_only(run_folder):
        chosen = settings.vasp_gamma_cmd
    validators = [VaspFilesValidator()]
    if kind != "dynamics":  # whose every complete step counts
        validators.append(WholeOutput())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn developers
            run_vasp(
                vasp_cmd=chosen,
                vasp_gamma_cmd=chosen,
                max_errors=MAX_ERRORS,
                scratch_dir=None,
                handlers=handlers(
                    kind,
                    settings.walltime_s,
                    settings.reserve,
                    positive_energies=custody.positive_energies,
                ),
                validators=validators,
                vasp_job_kwargs={"auto_gamma": False},  # it would parse the POTCAR
                custodian_kwargs={
                    "directory": str(run_folder),
                    "polling_time_step": custody.polling_s,
                    "monitor_freq": custody.monitor_every,
                },
            )
    except CustodianError as error:
        failed = f"VASP failed in {run_folder}: {error}; "
        if (said := _last_words(run_folder)) is None:
            raise KilledError(
                f"{failed}it died without a word, as if it had been killed; run again"
            ) from error
        raise IonfaceError(
            f"{failed}its last words: {said}; mend the cause and run again"
        ) from error


def _is_gamma_only(run_folder: Path) -> bool:
    mesh = Kpoints.from_file(run_folder / "KPOINTS").kpts
    return len(mesh) == 1 and all(int(n) == 1 for n in mesh[0])


def _last_words(run_folder: Path) -> str | None:
    """Return what VASP said before it ended; None of a run that was killed."""
    texts = [
        path.read_text(errors="replace").strip()
        for path in (run_folder / "std_err.txt", run_folder / "vasp.out")
        if path.is_file()
    ]
    if not any(map(SAID.search, texts)) and WholeOutput().check(str(run_folder)):
        return None
    return next((" / ".join(text.splitlines()[-3:]) for text in texts if text), "none")
