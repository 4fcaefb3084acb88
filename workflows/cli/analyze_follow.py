"""What `ionface analyze rdf --follow` does: the RDFs of a run that is still writing.

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

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cli.console import messages
from ionface.workflows.engines.vasp_double.emulated import emulated_paths, marked

if TYPE_CHECKING:
    from ionface.analysis.rdf.rdf import RunningRdf
    from ionface.analysis.rdf.rdf_result import RdfResult
    from ionface.analysis.readers.tail import Follower

GROWING = ("*.ionf", "vasprun.xml", "XDATCAR")
"""Files of a folder that grow with a run, from those that tell most."""

RUNNING = "trajectory.ionf"
"""What the dynamics of a project's job writes in its own folder."""


def follow_rdf(
    path: Path,
    pairs: list[str],
    cutoff: float,
    bins: int,
    windows: int,
    references: list[str],
    timestep: float | None,
    every: float,
    out: Path,
    as_json: bool,
) -> None:
    """Write rdf.json and its figure after each look that brought frames.

    Args:
        path: a file that grows, or the folder or project in which one does.
        pairs: as in "In-S".
        cutoff: Å.
        bins: number of bins.
        windows: at most so many windows of time.
        references: crystals to compare with.
        timestep: between stored frames, fs, where the files do not tell it.
        every: seconds between two looks.
        out: JSON, in which the figure stands beside.
        as_json: print the last result.
    """
    from ionface.workflows.cli.analyze_frames import reference_rdf

    crystals = {name: reference_rdf(name, pairs, cutoff, bins) for name in references}
    choices = {"cutoff": cutoff, "bins": bins, "windows": windows}
    with _interruptible() as stop:
        watch = _Watch(path, pairs, timestep, choices)
        try:
            for result in watch.results(stop, every):
                _write(result, crystals, out, watch.emulated())
                _tell(result)
        finally:
            watch.close()
    if watch.last is None:
        messages.print(f"ended without a frame in {path}; nothing was written")
        return
    if as_json:
        typer.echo(out.read_text(encoding="utf-8"))
    messages.print(f"{watch.ended}; wrote {out} and {out.with_suffix('.png')}")


class _Watch:
    """Looks at one file until its run is over.

    Attributes:
        last: the result of the last look that brought frames.
        ended: why it ended, in words.
    """

    def __init__(
        self,
        path: Path,
        pairs: list[str],
        timestep: float | None,
        choices: dict[str, Any],
    ) -> None:
        self._path, self._pairs, self._timestep = path, pairs, timestep
        self._choices = choices
        self._refused: dict[Path, str] = {}
        self._follower: Follower | None = None
        self._rdf: RunningRdf | None = None
        self._waiting = False
        self._is_emulated: bool | None = None
        self.last: RdfResult | None = None
        self.ended = "interrupted"

    def results(self, stop: threading.Event, every: float) -> Iterator[RdfResult]:
        """Yield the RDFs of all frames so far whenever there are new ones."""
        from ionface.analysis.readers.tail import run_over

        while not stop.is_set():
            # Asked before the look: what was written before the end is then seen.
            over = self._follower is not None and run_over(self._follower.path)
            if self._look(stop) and self._rdf is not None:
                self.last = self._rdf.result()
                yield self.last
            if over:
                self.ended = "the run is over"
                return
            if self._follower is None or not run_over(self._follower.path):
                stop.wait(every)

    def emulated(self) -> bool:
        """Return whether a stand-in writes what is followed; found out once."""
        if self._is_emulated is None and self._follower is not None:
            self._is_emulated = emulated_paths([self._follower.path])
        return bool(self._is_emulated)

    def close(self) -> None:
        """Release the file."""
        if self._follower is not None:
            self._follower.close()

    def _look(self, stop: threading.Event) -> bool:
        """Count what is new; return whether there was anything."""
        from ionface.errors import AnalysisError

        follower = self._follower or self._begin()
        if follower is None:
            return False
        before = follower.frames
        try:
            for segment in follower.look():
                self._running(follower).add(segment)
                if stop.is_set():
                    break
        except AnalysisError as error:
            if follower.frames or not self._path.is_dir() or self._rdf is not None:
                raise
            self._refuse(follower, str(error))
            return False
        return follower.frames > before

    def _running(self, follower: Follower) -> RunningRdf:
        from ionface.analysis.rdf.rdf import RunningRdf

        if self._rdf is None:
            self._rdf = RunningRdf(
                follower.species,
                self._pairs,
                pbc=follower.pbc,
                sources=(str(follower.path),),
                **self._choices,
            )
        return self._rdf

    def _begin(self) -> Follower | None:
        """Return what follows the file that tells most; None if there is none yet."""
        from ionface.analysis.readers.tail import Follower

        files = growing_files(self._path)
        usable = [file for file in files if file not in self._refused]
        if not usable:
            if self._refused:
                raise IonfaceError("; ".join(self._refused.values()))
            if not self._waiting:
                messages.print(f"waiting for frames in {self._path}; Ctrl-C ends it")
            self._waiting = True
            return None
        self._follower = Follower(usable[0], self._timestep)
        messages.print(f"following {usable[0]}; Ctrl-C ends it")
        return self._follower

    def _refuse(self, follower: Follower, reason: str) -> None:
        """Go on with the next best file of the folder."""
        follower.close()
        self._refused[follower.path] = reason
        self._follower = None
        messages.print(reason)


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


def _write(
    result: RdfResult, crystals: dict[str, RdfResult], out: Path, emulated: bool
) -> None:
    from ionface.analysis.figures.rdf_figure import figure_rdf

    told = marked(result.as_dict(), emulated)
    write_atomically(out, json.dumps(told, indent=1))
    figure = figure_rdf(result, crystals, emulated=emulated)
    figure.savefig(out.with_suffix(".png"), dpi=160)


def _tell(result: RdfResult) -> None:
    words = [f"{result.windows_fs[-1][1] / 1000:9.3f} ps  {result.frames:8,d} frames"]
    for name, pair in result.pairs.items():
        peak = pair.first_peaks[-1]
        told = f"{peak.r:.2f} Å, {peak.coordination:.2f}" if peak else "no peak yet"
        words.append(f"{name} {told}")
    messages.print("  ".join(words))
