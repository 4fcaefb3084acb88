"""Tables and progress on the terminal.

rich is imported where something is printed: it would double the start of --help.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID
    from rich.text import Text

from ionface.workflows.cli.wording import in_flags
from ionface.workflows.projects.observer import Observer

GAP = 2  # between columns
LONGEST_WORD = 30  # paths and SMILES may be broken


@cache
def terminal(*, stderr: bool = False) -> Console:
    """Return what prints on stdout, or on stderr.

    What is printed comes from files, databases and users: brackets in it are brackets.
    """
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False)


def say(text: str, style: str = "") -> None:
    """Print what is no result, on stderr, its arguments as flags."""
    terminal(stderr=True).print(in_flags(text), style=style or None)


def table(
    header: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str = ""
) -> None:
    """Print a table; numbers are right-aligned where a whole column is numeric.

    On a terminal lines break between words, never within a number; where it is too
    narrow for that, each row is a list of what it says. A file or a pipe gets one line
    for each row.
    """
    columns = [[name, *(str(row[place]) for row in rows)]
               for place, name in enumerate(header)]  # fmt: skip
    if not sys.stdout.isatty():
        _print_lines(columns, title)
        return
    console = terminal()
    widths = _widths(columns, console.width - GAP * (len(columns) - 1))
    if widths is None:
        _print_records(header, rows, title)
        return
    from rich.table import Table

    grid = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column, own in zip(columns, widths, strict=True):
        justify: Literal["left", "right"] = "right" if _is_numeric(column) else "left"
        grid.add_column(column[0], justify=justify, overflow="fold", width=own)
    for row in rows:
        grid.add_row(*row)
    console.print(grid)


def _is_numeric(column: Sequence[str]) -> bool:
    """Tell whether all below the header are numbers, or dashes for what is unknown."""
    texts = column[1:]
    return bool(texts) and all(
        text[:1].isdigit() or text[:1] in tuple("-+–") for text in texts
    )


def _print_lines(columns: Sequence[Sequence[str]], title: str) -> None:
    """Print each row as one line, for files and pipes: no blanks behind."""
    from rich.cells import cell_len

    if title:
        sys.stdout.write(title + "\n")
    widths = [max(map(cell_len, column)) for column in columns]
    numeric = [_is_numeric(column) for column in columns]
    for row in zip(*columns, strict=True):
        line = ""
        for text, width, right in zip(row, widths, numeric, strict=True):
            blanks = " " * (width - cell_len(text))
            line += (blanks + text if right else text + blanks) + " " * GAP
        sys.stdout.write(" ".join(line.rstrip().splitlines()) + "\n")


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return how wide each column is; None where words would have to be broken."""
    from rich.cells import cell_len

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
    from rich.cells import cell_len

    words = [word for text in texts for word in text.split()]
    return min(LONGEST_WORD, max(map(cell_len, words), default=1))


def _print_records(
    header: Sequence[str], rows: Sequence[Sequence[str | Text]], title: str
) -> None:
    """Print every row as lines of what it says."""
    console = terminal()
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
        say(f"note: {note}")


class JobProgress(Observer):
    """A bar over all jobs and one for the steps of each running job, on stderr.

    On a terminal the bars move; elsewhere a line appears per job, and one every
    `LINE_SECONDS` within a long one.
    """

    LINE_SECONDS = 20.0

    def __init__(self, title: str) -> None:
        from rich import progress

        messages = terminal(stderr=True)
        self.live = messages.is_terminal and os.environ.get("TERM") != "dumb"
        self.bars = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.completed}/{task.total}"),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[note]}", style="dim", markup=False),
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
            say(f"[{place}/{total}] {name}")

    def step(self, name: str, done: int, total: int | None, note: str) -> None:
        """Move the bar of a job."""
        if (job := self.running.get(name)) is None:
            return
        self.bars.update(job.bar, completed=done, total=total, note=note)
        now = time.monotonic()
        if not self.live and now - job.spoken > self.LINE_SECONDS:
            job.spoken = now
            say(f"      {name}: step {done}{job.left(done, total)} {note}")

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
    from ionface.workflows.engines import progress as reports

    shown = JobProgress(title)
    with shown.bars, reports.listening(shown.stage_step):
        yield shown
