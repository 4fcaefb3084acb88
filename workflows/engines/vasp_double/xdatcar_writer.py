"""XDATCAR: every NBLOCK-th frame; a cell that moves repeats its header."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TextIO

from ionface.workflows.engines.vasp_double.double_run import Run, Step
from ionface.workflows.engines.vasp_double.fortran import integer, rows
from ionface.workflows.engines.vasp_double.poscar_reader import (
    FloatArray,
    xdatcar_header,
)


class XdatcarWriter:
    """Writes the file frame by frame.

    Args:
        path: of the file.
        run: its inputs.
        overflow: print asterisks as labels.
        merge: shift the second coordinate by whole cells, until columns merge.
    """

    def __init__(
        self, path: Path, run: Run, *, overflow: bool = False, merge: bool = False
    ) -> None:
        self.run, self.overflow, self.merge = run, overflow, merge
        self.stream: TextIO = path.open("w")
        self._header(run.poscar.lattice)

    def _header(self, lattice: FloatArray) -> None:
        self.stream.write(
            xdatcar_header(replace(self.run.poscar, lattice=lattice), self.run.title)
        )

    def ionic(self, step: Step) -> None:
        """Add a frame if it is one of every NBLOCK."""
        if step.number % self.run.settings.nblock:
            return
        if self.run.settings.relaxes_cell and step.number > 1:
            self._header(step.lattice)
        label = "******" if self.overflow else integer(step.number, 6)
        places = step.fractional
        if self.merge:
            places = places - [0.0, 11.0, 0.0]
        self.stream.write(f"Direct configuration={label}\n")
        self.stream.write(rows(places, 12, 8, lead=" "))
        self.stream.flush()

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
