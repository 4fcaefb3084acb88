"""Running VASP under custodian, through atomate2, with handlers that suit the job.

Handlers that would change the smearing or the k-points are left out: energies of one
ledger must stay comparable. What a handler did change is in the outputs, from which the
level of theory is read.
"""

from __future__ import annotations

import shlex
import shutil
import warnings
from dataclasses import dataclass
from datetime import datetime
from os.path import expandvars
from pathlib import Path
from typing import Any

from custodian.custodian import CustodianError, ErrorHandler, Validator
from custodian.vasp.handlers import (
    FrozenJobErrorHandler,
    NonConvergingErrorHandler,
    PositiveEnergyErrorHandler,
    PotimErrorHandler,
    StdErrHandler,
    UnconvergedErrorHandler,
    VaspErrorHandler,
    WalltimeHandler,
)
from custodian.vasp.validators import VaspFilesValidator

from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.errors import AnalysisError, IonfaceError
from ionface.files import write_atomically
from ionface.workflows.engines.vasp.contcar import is_complete
from ionface.workflows.engines.vasp.error_handlers import DynamicsErrors
from ionface.workflows.engines.vasp.incar import Kind
from ionface.workflows.study.vasp_settings import VaspSettings

MAX_ERRORS = 5
FROZEN_S = 7200  # one ionic step of the largest models here takes less on one node
CAUSES_MD_CANNOT_HAVE = ("brions", "zbrent", "eddrmm", "grad_not_orth")


@dataclass(frozen=True)
class Custody:
    """How often custodian looks.

    Attributes:
        polling_s: seconds between two looks at the process.
        monitor_every: looks between two checks of the running outputs.
        emulated: the energy's zero is a classical potential's, so its sign means
            nothing.
    """

    polling_s: float = 10.0
    monitor_every: int = 6
    emulated: bool = False


class ElectronsUnconverged(UnconvergedErrorHandler):
    """Custodian's handler, for electrons only.

    Ions that need more steps are no error: the job goes on from its last structure.
    """

    def check(self, directory: str = "./") -> bool:
        """Tell whether the electrons of the last step took all steps they may."""
        found = _last_step(Path(directory) / self.output_filename)
        return found is not None and found[0].scf_steps >= found[1]


class WholeOutput(Validator):  # custodian's own also parses the POTCAR
    """A vasprun.xml that VASP closed, with at least one ionic step."""

    def check(self, directory: str = "./") -> bool:
        """Tell whether the output is unusable."""
        return _last_step(Path(directory) / "vasprun.xml") is None


class ContcarKeeper(ErrorHandler):
    """Keeps the last complete CONTCAR, in case that VASP dies while it writes one."""

    is_monitor = True
    is_terminating = False
    raises_runtime_error = False

    def check(self, directory: str = "./") -> bool:
        """Copy CONTCAR to CONTCAR.kept if it is whole; never find an error."""
        source = Path(directory) / "CONTCAR"
        try:
            data = source.read_bytes()
        except OSError:
            return False
        if is_complete(data, dynamics=True):
            write_atomically(source.with_name("CONTCAR.kept"), data)
        return False

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Have nothing to correct."""
        del directory
        return {"errors": [], "actions": None}


def handlers(
    kind: Kind, walltime_s: int | None, reserve_s: int = 300
) -> list[ErrorHandler]:
    """Return custodian's handlers for a kind of job.

    Args:
        kind: a relaxation may be mended by another POTIM or ALGO; a single point by
            another ALGO; dynamics by the next part.
        walltime_s: of the batch job; VASP is asked to stop before it ends.
        reserve_s: so many seconds before.
    """
    # restarting a hung run from CONTCAR would overwrite frames: dynamics wait
    frozen = FrozenJobErrorHandler(timeout=FROZEN_S)
    suited = {
        "relax": [
            VaspErrorHandler(),
            ElectronsUnconverged(),
            NonConvergingErrorHandler(),
            PotimErrorHandler(),
            PositiveEnergyErrorHandler(),
            frozen,
        ],
        "static": [VaspErrorHandler(), ElectronsUnconverged(), frozen],
        "dynamics": [
            DynamicsErrors(
                errors_subset_to_catch=[
                    name
                    for name in VaspErrorHandler.error_msgs
                    if name not in CAUSES_MD_CANNOT_HAVE
                ]
            ),
            ContcarKeeper(),
        ],
    }[kind]
    chosen: list[ErrorHandler] = [*suited, StdErrHandler()]
    if walltime_s is not None:
        # a single point has no step to end at: stop it within its electronic steps
        within = kind == "static"
        chosen.append(
            WalltimeHandler(
                wall_time=walltime_s,
                buffer_time=reserve_s,
                electronic_step_stop=within,
            )
        )
    return chosen


def _suitable(
    kind: Kind, settings: VaspSettings, custody: Custody
) -> list[ErrorHandler]:
    chosen = handlers(kind, settings.walltime_s, settings.reserve)
    if custody.emulated:
        return [h for h in chosen if not isinstance(h, PositiveEnergyErrorHandler)]
    return chosen


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


def run(folder: Path, kind: Kind, settings: VaspSettings, custody: Custody) -> None:
    """Run VASP in a folder that holds its inputs, until it ends.

    Raises:
        IonfaceError: VASP failed and custodian could not mend it.
    """
    from atomate2.vasp.run import run_vasp

    check_executable(settings)
    chosen = command(settings)
    if settings.vasp_gamma_cmd and _is_gamma_only(folder):
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
                handlers=_suitable(kind, settings, custody),
                validators=validators,
                vasp_job_kwargs={"auto_gamma": False},  # it would parse the POTCAR
                custodian_kwargs={
                    "directory": str(folder),
                    "polling_time_step": custody.polling_s,
                    "monitor_freq": custody.monitor_every,
                },
            )
    except CustodianError as error:
        raise IonfaceError(
            f"VASP failed in {folder}: {error}; its last words: {_last_words(folder)}; "
            "mend the cause and run again"
        ) from error


def _last_step(path: Path) -> tuple[IonicStep, int] | None:
    """Return the last step of a finished run and NELM, or None if it is not whole."""
    try:
        stream = VasprunStream(path)
        last = None
        for step in stream.steps():
            last = step
    except (AnalysisError, OSError):
        return None
    if last is None or stream.reason:
        return None
    return last, int(stream.settings.tag("NELM") or 60)


def _is_gamma_only(folder: Path) -> bool:
    from pymatgen.io.vasp import Kpoints

    mesh = Kpoints.from_file(folder / "KPOINTS").kpts
    return len(mesh) == 1 and all(int(n) == 1 for n in mesh[0])


def _last_words(folder: Path) -> str:
    for name in ("std_err.txt", "vasp.out"):
        path = folder / name
        if path.is_file() and (text := path.read_text(errors="replace").strip()):
            return " / ".join(text.splitlines()[-3:])
    return "none"
