"""Tables and progress on the terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

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

from ionface.workflows.engines import progress as reports

console = Console(highlight=False)
messages = Console(stderr=True, highlight=False)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], title: str = ""
) -> None:
    """Print a table; numbers are right-aligned where a whole column is numeric."""
    grid = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for position, name in enumerate(header):
        column = [str(row[position]) for row in rows]
        numeric = all(
            text and (text[0].isdigit() or text[0] in "-+–") for text in column
        )
        grid.add_column(
            name, justify="right" if numeric and column else "left", overflow="fold"
        )
    for row in rows:
        grid.add_row(*[str(cell) for cell in row])
    # a file or a pipe has no width: never fold there
    wide = Console(highlight=False, width=200) if not sys.stdout.isatty() else console
    wide.print(grid)


def tell_notes(notes: Iterable[str]) -> None:
    """Print what a user should know besides the result, on stderr."""
    for note in notes:
        messages.print(f"note: {note}", markup=False)


class JobProgress:
    """A bar over all jobs and one for the steps of the current job, on stderr.

    On a terminal the bars move; elsewhere a line appears per job, and one every
    `LINE_SECONDS` within a long one.
    """

    LINE_SECONDS = 20.0

    def __init__(self, title: str) -> None:
        self.live = messages.is_terminal and os.environ.get("TERM") != "dumb"
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=messages,
            disable=not self.live,
            transient=True,
        )
        self.all: TaskID = self.bars.add_task(title, total=None, note="")
        self.current: TaskID | None = None
        self.name = ""
        self.started = self.spoken = time.monotonic()

    def job(self, name: str, number: int, total: int) -> None:
        """Begin the bar of a job; `number` jobs of `total` lie behind."""
        self.bars.update(self.all, completed=number, total=total)
        if self.current is not None:
            self.bars.remove_task(self.current)
        self.current = self.bars.add_task(name, total=None, note="")
        self.name, self.started = name, time.monotonic()
        self.spoken = self.started
        if not self.live:
            messages.print(f"[{number + 1}/{total}] {name}")

    def step(self, done: int, total: int | None, note: str) -> None:
        """Move the bar of the current job."""
        if self.current is not None:
            self.bars.update(self.current, completed=done, total=total, note=note)
        now = time.monotonic()
        if not self.live and now - self.spoken > self.LINE_SECONDS:
            self.spoken = now
            messages.print(
                f"      {self.name}: step {done}{self._left(done, total)} {note}"
            )

    def _left(self, done: int, total: int | None) -> str:
        if not total or not done:
            return ","
        seconds = (time.monotonic() - self.started) * (total - done) / done
        return f" of {total}, about {seconds:.0f} s left,"


@contextmanager
def job_progress(title: str) -> Iterator[JobProgress]:
    """Show progress of the enclosed work."""
    shown = JobProgress(title)
    with shown.bars, reports.listening(shown.step):
        yield shown
