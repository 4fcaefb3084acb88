"""What `--follow` does: the analysis of a run that is still writing.

Each look reads the bytes and counts the frames that are new, nothing else. It ends by
itself when the run is over, or on Ctrl-C, with the files of the last look written.
"""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ionface.errors import AnalysisError, IonfaceError
from ionface.workflows.cli.analyze_files import check_out, write_result
from ionface.workflows.cli.console import say

if TYPE_CHECKING:
    from ionface.analysis.kind import Kind
    from ionface.analysis.readers.tail import Follower
    from ionface.analysis.result import Result

GROWING = ("*.ionf", "vasprun.xml", "XDATCAR")
"""Files of a folder that grow with a run, from those that tell most."""

RUNNING = "trajectory.ionf"
"""What the dynamics of a project's job writes in its own folder."""


def follow_run(
    kind: Kind,
    path: Path,
    values: dict[str, Any],
    *,
    timestep: float | None = None,
    every: float = 5.0,
    out: Path,
    as_json: bool = False,
) -> None:
    """Write a result and its figure after each look that brought frames.

    Args:
        kind: what is asked.
        path: a file that grows, or the folder or project in which one does.
        values: settings by name; references by the crystals' names.
        timestep: between stored frames, fs, where the files do not tell it.
        every: seconds between two looks.
        out: JSON; a CSV and a PNG go beside it.
        as_json: print the last result.
    """
    from ionface.workflows.study.analyses import with_crystals

    check_out(out)
    settings = kind.configured(with_crystals(values))
    with _interruptible() as stop:
        watch = _Watch(path, kind, settings, timestep)
        try:
            for result in watch.results(stop, every):
                write_result(result, out)
                say(f"{result.summary()}; {_latest(kind, result)}")
        finally:
            watch.close()
    if watch.last is None:
        say(f"ended without a frame in {path}; nothing was written")
        return
    if as_json:
        typer.echo(json.dumps(watch.last.as_dict(), indent=1))
    say(f"{watch.ended}; wrote {out} and {out.with_suffix('.png')}")


class _Watch:
    """Looks at one file until its run is over.

    Attributes:
        last: the result of the last look that brought frames.
        ended: why it ended, in words.
    """

    def __init__(
        self, path: Path, kind: Kind, settings: Any, timestep: float | None
    ) -> None:
        self._path, self._kind, self._settings = path, kind, settings
        self._timestep = timestep
        self._refused: dict[Path, str] = {}
        self._follower: Follower | None = None
        self._running: Any = None
        self._waiting = False
        self.last: Result | None = None
        self.ended = "interrupted"

    def results(self, stop: threading.Event, every: float) -> Iterator[Result]:
        """Yield the result of all frames so far whenever there are new ones."""
        from ionface.analysis.readers.tail import run_over

        while not stop.is_set():
            # Asked before the look: what was written before the end is then seen.
            over = self._follower is not None and run_over(self._follower.path)
            if self._look(stop) and self._running is not None:
                self.last = self._running.result()
                yield self.last
            if over:
                self.ended = "the run is over"
                return
            if self._follower is None or not run_over(self._follower.path):
                stop.wait(every)

    def close(self) -> None:
        """Release the file."""
        if self._follower is not None:
            self._follower.close()

    def _look(self, stop: threading.Event) -> bool:
        """Count what is new; return whether there was anything."""
        follower = self._follower or self._begin()
        if follower is None:
            return False
        before = follower.frames
        try:
            for segment in follower.look():
                self._add(follower, segment)
                if stop.is_set():
                    break
        except AnalysisError as error:
            if follower.frames or not self._path.is_dir() or self._running is not None:
                raise
            self._refuse(follower, str(error))
            return False
        return follower.frames > before

    def _add(self, follower: Follower, segment: Any) -> None:
        if self._running is None:
            assert self._kind.running is not None
            self._running = self._kind.running(
                follower.species,
                self._settings,
                pbc=follower.pbc,
                sources=(str(follower.path),),
                meta=follower.meta,
            )
        self._running.add(segment)

    def _begin(self) -> Follower | None:
        """Return what follows the file that tells most; None if there is none yet."""
        from ionface.analysis.readers.tail import Follower

        files = growing_files(self._path)
        usable = [file for file in files if file not in self._refused]
        if not usable:
            if self._refused:
                raise IonfaceError("; ".join(self._refused.values()))
            if not self._waiting:
                say(f"waiting for frames in {self._path}; Ctrl-C ends it")
            self._waiting = True
            return None
        self._follower = Follower(usable[0], self._timestep)
        say(f"following {usable[0]}; Ctrl-C ends it")
        return self._follower

    def _refuse(self, follower: Follower, reason: str) -> None:
        """Go on with the next best file of the folder."""
        follower.close()
        self._refused[follower.path] = reason
        self._follower = None
        say(reason)


def growing_files(path: Path) -> list[Path]:
    """Return what may grow at a path, the best first; none if there is none yet.

    Raises:
        IonfaceError: there is not even a folder in which it could appear.
    """
    if not path.is_dir():
        if not path.absolute().parent.is_dir():
            raise IonfaceError(
                f"{path.parent} does not exist; give the folder of a run, a project or "
                "a file that grows"
            )
        return [path] if path.exists() else []
    if (path / "project.json").is_file():
        found = [*path.rglob(RUNNING), *(path / "trajectories").glob("*.ionf")]
        return sorted(found, key=lambda file: -file.stat().st_mtime)
    return [file for pattern in GROWING for file in sorted(path.glob(pattern))]


def _latest(kind: Kind, result: Result) -> str:
    """Return the last line of the result's table: what the newest window says."""
    from ionface.analysis.report.page import DASH, Table

    tables = [c for c in kind.contents(result) if isinstance(c, Table)]
    row = tables[0].rows[-1] if tables else ()
    return "  ".join(DASH if cell is None else str(cell) for cell in row)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn Ctrl-C and SIGTERM into an event, so that nothing ends half-way."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
