"""The section `dft` of a study: how first-principles programs other than VASP run.

Spin, U, k-points, dipole, smearing and wall time are read from the section `vasp`, by
the same words whatever program computes; here is what VASP does not know.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from ionface.workflows.study.incar_keys import SettingsError


@dataclass(frozen=True)
class DftSettings:
    """How GPAW or CP2K is run.

    Attributes:
        mode: plane waves, or linear combinations of atomic orbitals (GPAW).
        basis: of the orbitals, as in "dzp"; the program's own if not given.
        cutoff: of the plane waves (CP2K: of the density's), eV; the program's own rule
            if not given.
        iterations: of the electrons, at most, before the mixing is changed.
        ranks: MPI processes of one job.
        memory: that a job may take, GB; what this machine has if not given.
        mpi: the command that starts so many processes, as in "srun -n {ranks}".
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    mode: Literal["pw", "lcao"] = "pw"
    basis: str | None = None
    cutoff: Annotated[float, Gt(0)] | None = None
    iterations: Annotated[int, Ge(2)] = 150
    ranks: Annotated[int, Gt(0)] = 1
    memory: Annotated[float, Gt(0)] | None = None
    mpi: str = "mpiexec --bind-to none -n {ranks}"

    def __post_init__(self) -> None:
        """Refuse a command that cannot start so many processes.

        Raises:
            SettingsError: names the key, the rule and the way out.
        """
        try:
            words, others = (
                shlex.split(self.mpi.format(ranks=n))
                for n in (self.ranks, self.ranks + 1)
            )
        except (LookupError, ValueError, AttributeError):
            words = others = []
        if not words or (self.ranks > 1 and words == others):
            raise SettingsError(
                f"dft.mpi: {self.mpi!r} must be a command whose only braces are "
                f"{{ranks}}, in the place of the number of processes ({self.ranks}); "
                'as in "srun -n {ranks}"'
            )
