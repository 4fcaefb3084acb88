"""ionface-vasp: an executable that stands in for vasp_std in a run directory.

It is started without arguments, as custodian starts VASP. The environment says what it
computes with and where it fails:

    IONFACE_VASP_CALCULATOR  sevennet (the default), chgnet, emt, lj, spheres, or the
                             import path of an ASE calculator
    IONFACE_VASP_ARGUMENTS   keyword arguments of the calculator, as JSON
    IONFACE_VASP_SHIFT       added to energies, eV per atom
    IONFACE_VASP_FAULT       NAME[:ARGUMENT], several with commas
    IONFACE_VASP_MARKS       one folder for all runs, so that a fault strikes once in
                             all of them
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.emulate import emulate
from ionface.workflows.engines.vasp_double.faults import CrashError, Faults, parse
from ionface.workflows.engines.vasp_double.model import model

WRITE_FAILED = 38  # what the Fortran runtime exits with
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def main() -> int:
    """Run in the current directory; return the exit status."""
    if sys.argv[1:]:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return run(Path.cwd(), os.environ)


def run(folder: Path, environment: Mapping[str, str]) -> int:
    """Run in a directory; return the exit status.

    Args:
        folder: with the inputs.
        environment: see the top of this file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries warn developers
            _emulate(folder, environment)
    except InputError as error:
        sys.stdout.write(f" {error}\n")  # VASP's own channel, which custodian reads
        sys.stderr.write(f"ionface-vasp: {error}\n")
        return 1
    except CrashError:
        return 1
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        # what the Fortran runtime says of a file that cannot be written
        sys.stderr.write(
            f"forrtl: {error.strerror}\nforrtl: severe (38): error during write, unit "
            f"8, file {folder / str(error.filename)}\n"
        )
        return WRITE_FAILED
    return 0


def _emulate(folder: Path, environment: Mapping[str, str]) -> None:
    def told(name: str, otherwise: str = "") -> str:
        return environment.get(f"IONFACE_VASP_{name}", "") or otherwise

    marks = Path(told("MARKS")).expanduser() if told("MARKS") else None
    if marks is not None:
        marks.mkdir(parents=True, exist_ok=True)
    faults = Faults(folder, parse(told("FAULT")), sys.stdout, sys.stderr, marks)
    with redirect_stdout(sys.stderr):  # what models print is not VASP's
        chosen = model(
            told("CALCULATOR", "sevennet"),
            told("ARGUMENTS", "{}"),
            _shift(told("SHIFT", "0")),
        )
    emulate(folder, chosen, faults)


def _shift(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"IONFACE_VASP_SHIFT={text}: a number of eV per atom is wanted"
        ) from error
