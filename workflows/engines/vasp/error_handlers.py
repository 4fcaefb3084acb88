"""What custodian would change after an error in dynamics, applied to the next part.

Custodian mends in place: it copies CONTCAR to POSCAR and starts VASP again in the same
folder, where the frames of the steps before are then overwritten. In dynamics the run
ends instead; the change of INCAR is kept, and the next part goes on with it.
"""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from custodian.vasp.handlers import VaspErrorHandler
from pymatgen.io.vasp import Incar

MENDED = "mended.json"
MAX_MENDS = 5  # in one job, as many errors as custodian takes
INPUTS = ("INCAR", "KPOINTS", "POSCAR", "POTCAR")
KEPT_BY_US = ("ISTART", "ICHARG", "NSW")  # which the next part has of its own


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


def incar_changes(folder: Path, subset: list[str]) -> dict[str, Any]:
    """Return the INCAR keys that custodian sets after the errors in a folder.

    Args:
        folder: of the run that failed; it stays as it is.
        subset: custodian's names of the errors that count.
    """
    with TemporaryDirectory(prefix=".mending-", dir=folder.parent) as name:
        scratch = Path(name)
        for path in folder.iterdir():
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


def mends(parts: list[Path]) -> list[dict[str, Any]]:
    """Return what was noted in the parts of a job, in their order."""
    found = [part / MENDED for part in parts]
    return [json.loads(path.read_text()) for path in found if path.is_file()]


def mended_incar(parts: list[Path]) -> dict[str, Any]:
    """Return the INCAR keys that later parts of a job take."""
    keys: dict[str, Any] = {}
    for mend in mends(parts):
        keys |= mend["incar"]
    return keys


def goes_on(part: Path, parts: list[Path]) -> bool:
    """Tell whether the next part may do better than the one that has just failed."""
    path = part / MENDED
    if not path.is_file() or len(mends(parts)) > MAX_MENDS:
        return False
    return bool(json.loads(path.read_text())["incar"])
