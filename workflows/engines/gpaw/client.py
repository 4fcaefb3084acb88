"""GPAW as an ASE calculator whose work a process of its own does, under MPI or not.

Data flow: positions and cell -> one JSON line to the worker -> energy, forces, stress.
A worker that dies leaves its last words in gpaw-worker.log; it ends with this process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    Calculator,
    PropertyNotImplementedError,
    all_changes,
)

from ionface.errors import IonfaceError
from ionface.workflows.engines.dft.program import (
    DftProgram,
    command,
    failure,
    starting,
)

WORKER = Path(__file__).with_name("worker.py")
SCF_LOG = "gpaw.txt"
DENSITY = "density.gpw"
WORKER_LOG = "gpaw-worker.log"
MPI_BACKEND = {"GPAW_MPI_BACKEND": "cgpaw"}  # GPAW does not look for MPI by itself


class GpawCalculator(Calculator):
    """GPAW in a process of its own, in the job's folder.

    Args:
        start: what the worker is told first: GPAW's keywords, symbols, moments.
        program: with the ranks, and the command that starts so many.
        lift: fraction of the third cell vector by which atoms are raised for the
            calculation, and put back into the cell; 0 leaves them where they are.
    """

    def __init__(self, start: dict[str, Any], program: DftProgram, lift: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = ["energy", "free_energy", "forces", "stress"]
        self.start = {**start, "log": SCF_LOG, "density": DENSITY}
        self.program, self.lift = program, lift
        self._process: subprocess.Popen[str] | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = None,
        system_changes: Any = all_changes,
    ) -> None:
        """Compute energy and forces, and the stress where it is asked for.

        Raises:
            IonfaceError: GPAW failed.
        """
        super().calculate(  # type: ignore[no-untyped-call]
            atoms, properties, system_changes
        )
        assert atoms is not None
        request = {
            "positions": self._positions(atoms).tolist(),
            "cell": np.asarray(atoms.cell).tolist(),
            "stress": "stress" in (properties or ()),
        }
        answer = self._asked(request)
        if answer.pop("no_stress", False):
            raise PropertyNotImplementedError("GPAW has no stress in this mode")
        self.results |= {
            name: np.array(value) if isinstance(value, list) else value
            for name, value in answer.items()
        }

    def close(self) -> None:
        """End the worker, which the end of its requests tells to stop."""
        if (process := self._process) is None:
            return
        self._process = None
        with suppress(BrokenPipeError):
            process.communicate()

    def _positions(self, atoms: Atoms) -> Any:
        if not self.lift:
            return atoms.get_positions()
        inside = atoms.get_scaled_positions(wrap=False)
        inside[:, 2] = (inside[:, 2] + self.lift) % 1.0
        return inside @ np.asarray(atoms.cell)

    def _asked(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            self.close()
            raise failure(self._last_words(), process) from None
        line = process.stdout.readline()
        if not line:
            self.close()
            raise failure(self._last_words(), process)
        answer: dict[str, Any] = json.loads(line)
        if error := answer.get("error"):
            self.close()
            raise IonfaceError(str(error))
        return answer

    def _started(self) -> subprocess.Popen[str]:
        words = command(self.program, [sys.executable, str(WORKER)])
        mpi = MPI_BACKEND if self.program.ranks > 1 else {}
        with (
            starting(self.program, words) as environment,
            Path(WORKER_LOG).open("a") as log,
        ):
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment | mpi,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self.start) + "\n")
        return self._process

    def _last_words(self) -> str:
        log = Path(WORKER_LOG).resolve()
        lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
        words = (line.strip() for line in reversed(lines))
        said = next((word for word in words if any(map(str.isalpha, word))), "nothing")
        return (
            f"GPAW ended without an answer, its last words were {said!r}; see "
            f"{log}. If memory ran out, take more ranks (dft.ranks) or a smaller model"
        )
