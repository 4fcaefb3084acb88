"""Tables and progress on the terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ionface.workflows.engines import progress as reports
from ionface.workflows.projects.observer import Observer

# What is printed comes from files, databases and users: brackets in it are brackets.
console = Console(highlight=False, markup=False)
messages = Console(stderr=True, highlight=False, markup=False)
GAP = 2  # between columns
LONGEST_WORD = 30  # paths and SMILES may be broken
PIPE_WIDTH = 200  # a file or a pipe has no width: what is read by eye needs some


def table(
    header: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = ""
) -> None:
    """Print a table; numbers are right-aligned where a whole column is numeric.

    Lines break between words, never within a number. Where the terminal is too narrow
    for that, each row is a list of what it says.
    """
    columns = [[name, *(str(row[place]) for row in rows)]
               for place, name in enumerate(header)]  # fmt: skip
    width = console.width if sys.stdout.isatty() else PIPE_WIDTH
    widths = _widths(columns, width - GAP * (len(columns) - 1))
    if widths is None:
        _print_records(header, rows, title)
        return
    grid = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for (name, *column), own in zip(columns, widths, strict=True):
        numeric = all(text[:1].isdigit() or text[:1] in tuple("-+–") for text in column)
        justify: Literal["left", "right"] = "right" if numeric and column else "left"
        grid.add_column(name, justify=justify, overflow="fold", width=own)
    for row in rows:
        grid.add_row(*row)
    Console(highlight=False, markup=False, width=width).print(grid)


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return how wide each column is; None where words would have to be broken."""
    found = [_longest_word(column) for column in columns]
    rest = width - sum(found)
    if rest < 0:
        return None
    for place, column in enumerate(columns):
        more = min(rest, max(map(cell_len, column)) - found[place])
        found[place] += more
        rest -= more
    return found


def _longest_word(texts: Sequence[str]) -> int:
    words = [word for text in texts for word in text.split()]
    return min(LONGEST_WORD, max(map(cell_len, words), default=1))


def _print_records(
    header: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str
) -> None:
    """Print every row as lines of what it says."""
    if title:
        console.print(title)
    for row in rows:
        console.print(row[0])
        for name, cell in zip(header[1:], row[1:], strict=True):
            if str(cell):
                console.print(f"  {name}: ", cell, sep="")


def tell_notes(notes: Iterable[str]) -> None:
    """Print what a user should know besides the result, on stderr."""
    for note in notes:
        messages.print(f"note: {note}")


class JobProgress(Observer):
    """A bar over all jobs and one for the steps of each running job, on stderr.

    On a terminal the bars move; elsewhere a line appears per job, and one every
    `LINE_SECONDS` within a long one.
    """

    LINE_SECONDS = 20.0

    def __init__(self, title: str) -> None:
        self.live = messages.is_terminal and os.environ.get("TERM") != "dumb"
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=messages,
            disable=not self.live,
            transient=True,
        )
        self.all: TaskID = self.bars.add_task(title, total=None, note="")
        self.running: dict[str, _Running] = {}
        self.stage_name = ""

    def job(self, name: str, number: int, total: int) -> None:
        """Begin the bar of a job; `number` jobs of `total` need no more work."""
        self.bars.update(self.all, completed=number, total=total)
        bar = self.bars.add_task(name, total=None, note="")
        self.running[name] = _Running(bar)
        if not self.live:
            place = number + len(self.running)
            messages.print(f"[{place}/{total}] {name}")

    def step(self, name: str, done: int, total: int | None, note: str) -> None:
        """Move the bar of a job."""
        if (job := self.running.get(name)) is None:
            return
        self.bars.update(job.bar, completed=done, total=total, note=note)
        now = time.monotonic()
        if not self.live and now - job.spoken > self.LINE_SECONDS:
            job.spoken = now
            messages.print(f"      {name}: step {done}{job.left(done, total)} {note}")

    def ended(self, name: str) -> None:
        """Take the bar of a job away."""
        if job := self.running.pop(name, None):
            self.bars.remove_task(job.bar)

    # --- work that is no job --------------------------------------------------------

    def stage(self, name: str, number: int = 0, total: int = 1) -> None:
        """Begin the next of some stages that follow one another."""
        self.ended(self.stage_name)
        self.stage_name = name
        self.job(name, number, total)

    def stage_step(self, done: int, total: int | None, note: str) -> None:
        """Move the bar of the stage."""
        self.step(self.stage_name, done, total, note)


@dataclass
class _Running:
    """A job's bar, and when it began and was last spoken of."""

    bar: TaskID
    started: float = field(default_factory=time.monotonic)
    spoken: float = field(default_factory=time.monotonic)

    def left(self, done: int, total: int | None) -> str:
        if not total or not done:
            return ","
        seconds = (time.monotonic() - self.started) * (total - done) / done
        return f" of {total}, about {seconds:.0f} s left,"


@contextmanager
def job_progress(title: str) -> Iterator[JobProgress]:
    """Show progress of the enclosed work."""
    shown = JobProgress(title)
    with shown.bars, reports.listening(shown.stage_step):
        yield shown
