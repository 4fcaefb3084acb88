"""The new frames of a file that a run is still writing.

Only bytes that were never read are read, and only whole frames are given: one whose
last line has no end yet waits for the next look. A file that is replaced, cut or
removed ends the following with an error that says so, because its frames would not
continue those given before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ionface.analysis.readers.buffered_file import READ, ByteWindow
from ionface.analysis.readers.compressed import is_compressed
from ionface.analysis.readers.growing import Growing, GrowingText, begin_store
from ionface.analysis.readers.opening import (
    PathLike,
    check_timestep,
    refuse_learned_forces,
)
from ionface.analysis.readers.run_metadata import Clock, clock_beside, clock_of
from ionface.analysis.readers.vasprun import VasprunStream
from ionface.analysis.readers.vasprun_blocks import OPENING
from ionface.analysis.readers.xdatcar import XdatcarStream
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.store import MAGIC, PAGE
from ionface.errors import AnalysisError


def follow(
    path: PathLike,
    timestep_fs: float | None = None,
    poll_s: float = 2.0,
    stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Segment]:
    """Yield the frames of a growing file as they are completed.

    Times and steps count from the file's first frame, as in `open_trajectory`.

    Args:
        path: an XDATCAR, a vasprun.xml or a file of our own store; it may not exist
            yet. Compressed files do not grow.
        timestep_fs: time between stored frames, fs, where the files do not tell it.
        poll_s: time between two looks, s.
        stop: asked after each look; the following ends when it says so, with all
            frames that were complete then.
        sleep: waits for so many seconds.

    Raises:
        AnalysisError: the file cannot be followed, is damaged, or was replaced, cut or
            removed meanwhile; or the time between its frames is unknown.
    """
    follower = Follower(path, timestep_fs)
    try:
        while True:
            yield from follower.look()
            if stop():
                return
            sleep(poll_s)
    finally:
        follower.close()


class Follower:
    """Looks at a growing file again and again; see `follow`.

    Attributes:
        frames: how many were given so far.
    """

    def __init__(self, path: PathLike, timestep_fs: float | None = None) -> None:
        """Remember what to follow; the file is opened when it is there.

        Raises:
            AnalysisError: the file is compressed, or the time step not positive.
        """
        self.path = Path(path)
        self.frames = 0
        if is_compressed(self.path):
            raise AnalysisError(
                f"{self.path} is compressed and cannot grow; open it instead"
            )
        check_timestep(timestep_fs)
        self._given = timestep_fs
        self._window: ByteWindow | None = None
        self._reader: Growing | None = None
        self._identity = (0, 0)

    @property
    def bytes_read(self) -> int:
        """Return how many bytes of the file were read so far."""
        return 0 if self._window is None else self._window.bytes_read

    @property
    def species(self) -> tuple[str, ...]:
        """Return the chemical symbol of each atom."""
        return () if self._reader is None else self._reader.species

    @property
    def pbc(self) -> tuple[bool, bool, bool]:
        """Return whether the cell is periodic along each of its vectors."""
        return (True, True, True) if self._reader is None else self._reader.pbc

    def look(self) -> Iterator[Segment]:
        """Yield what was completed since the last look.

        Raises:
            AnalysisError: see `follow`.
        """
        if not self._still_there():
            return
        window = self._open() if self._window is None else self._window
        if self._reader is None:
            self._reader = self._begin(window)
        if self._reader is None:
            return
        for segment in self._reader.new():
            self.frames += len(segment)
            yield segment

    def close(self) -> None:
        """Release the file."""
        if self._window is not None:
            self._window.close()

    def _open(self) -> ByteWindow:
        self._window = ByteWindow(self.path)
        found = self.path.stat()
        self._identity = (found.st_dev, found.st_ino)
        return self._window

    def _still_there(self) -> bool:
        """Return whether there is a file to look at, the one that was begun."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            if self._window is None:
                return False
            self._lost("removed")
        if self._window is not None:
            if (found.st_dev, found.st_ino) != self._identity:
                self._lost("replaced by another file")
            if found.st_size < self._window.bytes_read:
                self._lost("cut short")
        return True

    def _lost(self, what: str) -> None:
        raise AnalysisError(
            f"{self.path} was {what} while it was followed, after {self.frames} "
            "frames; follow it again to begin with the frames that it has now"
        )

    def _begin(self, window: ByteWindow) -> Growing | None:
        """Return the reader of the file, None as long as its header is not whole."""
        while len(window) < READ and window.more():
            pass
        if not len(window):
            return None
        start = window.piece(0, PAGE)
        if start.startswith(MAGIC[: len(start)]):
            return begin_store(self.path, window)
        if b"<modeling" in start or self.path.name.lower().startswith("vasprun"):
            return self._begin_vasprun(window)
        if start.count(b"\n") < 7:
            return None
        stream = XdatcarStream(self.path, window)
        clock = clock_beside(self.path, stream.species)
        return GrowingText(self.path, stream, clock, self._given)

    def _begin_vasprun(self, window: ByteWindow) -> Growing | None:
        if window.seek(OPENING) < 0:
            return None
        stream = VasprunStream(self.path, window)
        refuse_learned_forces(self.path, stream.settings)
        clock = Clock(clock_of(stream.settings).timestep_fs, 1)
        return GrowingText(self.path, stream, clock, self._given)


__all__ = ["Follower", "follow"]
