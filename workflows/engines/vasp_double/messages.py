"""Errors that VASP prints, by custodian's names, and whether VASP then stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO


class CrashError(Exception):
    """VASP stopped itself; its message is printed already."""


@dataclass(frozen=True)
class Message:
    """One of VASP's errors.

    Attributes:
        text: as it is printed.
        fatal: the run ends there with a nonzero status; else it goes on.
        on_stderr: printed to standard error.
    """

    text: str
    fatal: bool = True
    on_stderr: bool = False

    def strike(self, console: TextIO, errors: TextIO) -> None:
        """Print it; end the run if it is fatal.

        Raises:
            CrashError: it is fatal.
        """
        stream = errors if self.on_stderr else console
        stream.write(f" {self.text}\n")
        stream.flush()
        if self.fatal:
            raise CrashError(self.text)


MESSAGES = {
    "algo_tet": Message(
        "ALGO=A and IALGO=5X tend to fail with the tetrahedron method", fatal=False
    ),
    "amin": Message(
        "One of the lattice vectors is very long (>50 A), but AMIN is rather large",
        fatal=False,
    ),
    "bravais": Message("Inconsistent Bravais lattice types found for crystalline and"),
    "brions": Message("BRIONS problems: POTIM should be increased", fatal=False),
    "brmix": Message(
        "BRMIX: very serious problems\n  the old and the new charge density differ\n"
        "  old charge density:  100.00000 new  100.00100",
        fatal=False,
    ),
    "dentet": Message("DENTET: can't reach specified precision", fatal=False),
    "edddav": Message("Error EDDDAV: Call to ZHEGV failed. Returncode =   8 1  16"),
    "eddiag": Message(
        "ERROR in EDDIAG: call to ZHEEV/ZHEEVX/DSYEV/DSYEVX failed! INFO= 7"
    ),
    "eddrmm": Message(
        "WARNING in EDDRMM: call to ZHEGV failed, returncode =   6  3  10", fatal=False
    ),
    "grad_not_orth": Message("EDWAV: internal error, the gradient is not orthogonal"),
    "inv_rot_mat": Message(
        "VERY BAD NEWS! internal error in subroutine INVGRP?\n"
        "  rotation matrix was not found (increase SYMPREC)"
    ),
    "nicht_konv": Message("ERROR: SBESSELITER : nicht konvergent"),
    "out_of_memory": Message("Allocation would exceed memory limit", on_stderr=True),
    "point_group": Message("POINT_GROUP: group operation missing"),
    "posmap": Message("POSMAP internal error: symmetry equivalent atom not found"),
    "pricel": Message("internal error in subroutine PRICEL (probably precision)"),
    "pssyevx": Message("ERROR in subspace rotation PSSYEVX: too few eigenvalues"),
    "real_optlay": Message("REAL_OPTLAY: internal error (1)"),
    "rhosyg": Message("RHOSYG internal error: stars are not distinct"),
    "rspher": Message("ERROR RSPHER: internal error"),
    "subspacematrix": Message(
        "WARNING: Sub-Space-Matrix is not hermitian in DAV            4", fatal=False
    ),
    "tet": Message("Tetrahedron method fails (number of k-points < 4)"),
    "too_few_bands": Message("TOO FEW BANDS!!", fatal=False),
    "zbrent": Message(
        "ZBRENT: fatal error in bracketing\n      please rerun with smaller EDIFF, or "
        "copy CONTCAR\n      to POSCAR and continue"
    ),
    "zheev": Message("ERROR EDDIAG: Call to routine ZHEEV failed!"),
    "zpotrf": Message("LAPACK: Routine ZPOTRF failed!"),
}
"""By custodian's name of the error."""
