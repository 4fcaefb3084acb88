"""The process that runs GPAW: requests on stdin, answers on stdout, one JSON line each.

Started by `client`, under mpiexec where there are several ranks; imports nothing of
this package, so that every rank starts fast. The first line holds GPAW's keywords,
each further one positions (Å) and cell. After each step the wave functions are written,
so that a job that was killed goes on from them.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

CAREFUL = {"beta": 0.02, "nmaxold": 8, "weight": 100.0}
"""Mixing for cells in which charge sloshes, as GPAW's manual advises for metals."""

UNCONVERGED = "unconverged.gpw"
"""Of electrons that did not converge: to be looked at, nothing goes on from it."""


def main() -> None:
    """Answer until stdin ends, which ends this process whatever it is doing."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not come between the answers
    from gpaw.mpi import broadcast, world

    lines = _lines() if world.rank == 0 else None
    session = None
    while True:
        line = broadcast(lines.get() if lines else None, comm=world)
        try:
            if session is None:
                session = Session(json.loads(line))
                continue
            answer = session.answer(json.loads(line))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for us
            traceback.print_exc()
            answer = {"error": f"GPAW failed: {type(error).__name__}: {error}"}
        if world.rank == 0:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _lines() -> queue.Queue[str]:
    """Return the lines of stdin; its end is that of whoever started us."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            found.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return found


class Session:
    """One calculation, from its first geometry to its last.

    Args:
        start: the first line: keywords, symbols, periodicity, moments, files.
    """

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.atoms: Any = None
        self.restarted = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return energies (eV), forces (eV/Å) and, if asked for, the stress."""
        from ase import Atoms

        if self.atoms is None:
            self.atoms = Atoms(
                self.start["symbols"],
                positions=request["positions"],
                cell=request["cell"],
                pbc=self.start["pbc"],
                magmoms=self.start["moments"],
            )
            self.atoms.calc = self._restarted()
        self.atoms.cell = request["cell"]
        self.atoms.positions = request["positions"]
        found = self._tried()
        if found is None:
            self._keep(Path(self.start["density"]).with_name(UNCONVERGED))
            return {"error": self._unconverged()}
        if request["stress"]:
            try:
                found["stress"] = self.atoms.get_stress().tolist()
            except (NotImplementedError, AssertionError, AttributeError):
                found["no_stress"] = True
        self._keep(Path(self.start["density"]))
        return found

    def _tried(self) -> dict[str, Any] | None:
        """Return what was computed; None if the electrons do not converge."""
        from gpaw import KohnShamConvergenceError

        if self.restarted:
            self.restarted = False  # only its first step begins with the file
            try:
                return self._computed()
            except Exception:  # noqa: BLE001 - whatever the file does, we do without
                traceback.print_exc()
                self.atoms.calc = self._fresh()
        try:
            return self._computed()
        except KohnShamConvergenceError:
            self.atoms.calc = self._fresh(mixer=CAREFUL)
        try:
            return self._computed()
        except KohnShamConvergenceError:
            return None

    def _computed(self) -> dict[str, Any]:
        return {
            "energy": float(self.atoms.get_potential_energy()),
            "free_energy": float(
                self.atoms.get_potential_energy(force_consistent=True)
            ),
            "forces": self.atoms.get_forces().tolist(),
        }

    def _fresh(self, **more: Any) -> Any:
        from gpaw import GPAW

        return GPAW(**self.start["parameters"], **more, txt=self._log())

    def _restarted(self) -> Any:
        """Return the calculator that an earlier process left, or a fresh one."""
        from gpaw import GPAW

        if Path(self.start["density"]).is_file():
            try:
                calculator = GPAW(self.start["density"], txt=self._log())
            except Exception:  # noqa: BLE001 - torn, or of another version
                traceback.print_exc()
            else:
                self.restarted = True
                return calculator
        return self._fresh()

    def _log(self) -> Any:
        from gpaw.mpi import world

        return Path(self.start["log"]).open("a") if world.rank == 0 else None

    def _keep(self, path: Path) -> None:
        from gpaw.mpi import world

        new = path.with_suffix(".new.gpw")
        self.atoms.calc.write(new, mode="all", precision="single")
        world.barrier()
        if world.rank == 0:
            new.replace(path)

    def _unconverged(self) -> str:
        most = self.start["parameters"]["maxiter"]
        path = Path(self.start["density"]).resolve().with_name(UNCONVERGED)
        return (
            f"the electrons did not converge in {most} iterations with GPAW's mixing, "
            f"nor in {most} with {CAREFUL['beta']:g} of the change; their density is "
            f"in {path}. Allow more, as in dft: {{iterations: {2 * most}}}, and run "
            "the same command again; or smear more in a project of its own, as in "
            "vasp: {incar: {SIGMA: 0.1}}"
        )


if __name__ == "__main__":
    main()
