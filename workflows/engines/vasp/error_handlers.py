"""Custodian's handlers of each kind of job, and what dynamics do with their advice.

Handlers that would change the smearing or the k-points are left out: energies of one
ledger must stay comparable. What a handler did change is in the outputs, from which the
level of theory is read.

Custodian mends in place: it copies CONTCAR to POSCAR and starts VASP again in the same
folder, where the frames of the steps before are then overwritten. In dynamics the run
ends instead; the change of INCAR is kept, and the next run goes on with it.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from custodian.custodian import ErrorHandler, Validator
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
from pymatgen.io.vasp import Incar

from ionface.analysis.readers.vasprun import IonicStep, VasprunStream
from ionface.errors import AnalysisError
from ionface.files import write_atomically
from ionface.workflows.engines.contract import Kind
from ionface.workflows.engines.vasp.run_frames import read_state

FROZEN_S = 7200  # one ionic step of the largest models here takes less on one node
CAUSES_MD_CANNOT_HAVE = ("brions", "zbrent", "eddrmm", "grad_not_orth")
MENDED = "mended.json"
MAX_MENDS = 5  # in one job, as many errors as custodian takes
INPUTS = ("INCAR", "KPOINTS", "POSCAR", "POTCAR")
KEPT_BY_US = ("ISTART", "ICHARG", "NSW")  # which the next run has of its own


def handlers(
    kind: Kind,
    walltime_s: int | None,
    reserve_s: int = 300,
    *,
    positive_energies: bool = False,
) -> list[ErrorHandler]:
    """Return custodian's handlers for a kind of job.

    Args:
        kind: a relaxation may be mended by another POTIM or ALGO; a single point by
            another ALGO; dynamics by the next run.
        walltime_s: of the batch job; VASP is asked to stop before it ends.
        reserve_s: so many seconds before.
        positive_energies: a positive energy is no error.
    """
    suited = _of_kind(kind)
    if positive_energies:
        suited = [h for h in suited if not isinstance(h, PositiveEnergyErrorHandler)]
    suited.append(StdErrHandler())
    if walltime_s is not None:
        suited.append(
            WalltimeHandler(
                wall_time=walltime_s,
                buffer_time=reserve_s,
                # a single point has no step to end at: stop within its electronic ones
                electronic_step_stop=kind == "static",
            )
        )
    return suited


def _of_kind(kind: Kind) -> list[ErrorHandler]:
    if kind == "dynamics":
        errors = [
            name
            for name in VaspErrorHandler.error_msgs
            if name not in CAUSES_MD_CANNOT_HAVE
        ]
        # none for frozen runs: a restart from CONTCAR would overwrite the frames
        return [DynamicsErrors(errors_subset_to_catch=errors), ContcarKeeper()]
    electrons = [VaspErrorHandler(), ElectronsUnconverged()]
    frozen = FrozenJobErrorHandler(timeout=FROZEN_S)
    if kind == "static":
        return [*electrons, frozen]
    return [
        *electrons,
        NonConvergingErrorHandler(),
        PotimErrorHandler(),
        PositiveEnergyErrorHandler(),
        frozen,
    ]


class ElectronsUnconverged(UnconvergedErrorHandler):
    """Custodian's handler, for electrons only.

    Ions that need more steps are no error: the job goes on from its last structure.
    """

    def check(self, directory: str = "./") -> bool:
        """Tell whether the electrons of the last step took all steps they may."""
        last = _last_step(Path(directory) / self.output_filename)
        return last is not None and last[0].scf_steps >= last[1]


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
        if read_state(data) is not None:
            write_atomically(source.with_name("CONTCAR.kept"), data)
        return False

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Have nothing to correct."""
        del directory
        return {"errors": [], "actions": None}


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


# --- errors in dynamics: noted, and heeded by the next run --------------------------


class DynamicsErrors(VaspErrorHandler):
    """Custodian's handler of VASP's errors, for runs whose frames must be kept."""

    def correct(self, directory: str = "./") -> dict[str, Any]:
        """Note what custodian would change of INCAR; let the run end."""
        folder = Path(directory)
        errors = sorted(self.errors)
        changes = incar_changes(folder, self.errors_subset_to_catch)
        note = json.dumps({"errors": errors, "incar": changes}, indent=1)
        (folder / MENDED).write_text(note + "\n")
        return {"errors": errors, "actions": None}


def incar_changes(run_folder: Path, subset: list[str]) -> dict[str, Any]:
    """Return the INCAR keys that custodian sets after the errors in a folder.

    Custodian is let loose on a copy of the inputs, beside links to the outputs.

    Args:
        run_folder: of the run that failed; it stays as it is.
        subset: custodian's names of the errors that count.
    """
    with TemporaryDirectory(prefix=".mending-", dir=run_folder.parent) as name:
        scratch = Path(name)
        for path in run_folder.iterdir():
            if path.name in INPUTS or path.name == "CONTCAR":
                shutil.copy(path, scratch)
            elif path.is_file():
                (scratch / path.name).symlink_to(path.resolve())
        before = Incar.from_file(scratch / "INCAR")
        handler = VaspErrorHandler(errors_subset_to_catch=subset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn developers
            if not handler.check(str(scratch)):
                return {}
            handler.correct(str(scratch))
        after = Incar.from_file(scratch / "INCAR")
    return {
        key: value
        for key, value in after.items()
        if before.get(key) != value and key not in KEPT_BY_US
    }


def mends(folders: list[Path]) -> list[dict[str, Any]]:
    """Return what was noted in the run folders of a job, in their order."""
    notes = [folder / MENDED for folder in folders]
    return [json.loads(path.read_text()) for path in notes if path.is_file()]


def mended_incar(folders: list[Path]) -> dict[str, Any]:
    """Return the INCAR keys that later runs of a job take."""
    keys: dict[str, Any] = {}
    for mend in mends(folders):
        keys |= mend["incar"]
    return keys


def goes_on(run_folder: Path, folders: list[Path]) -> bool:
    """Tell whether the next run may do better than the one that has just failed."""
    path = run_folder / MENDED
    if not path.is_file() or len(mends(folders)) > MAX_MENDS:
        return False
    return bool(json.loads(path.read_text())["incar"])
