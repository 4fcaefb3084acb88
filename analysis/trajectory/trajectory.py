"""A trajectory as the analysis sees it, whatever it came from.

`Trajectory.open` reads our own store, `Trajectory.from_arrays` takes what is in memory,
`readers.open_trajectory` reads everything else and `joining.join` chains segments.
Frames stay on the disk until they are looked at: files are memory-mapped, and `blocks`
walks through them with a few frames in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionface.analysis.trajectory.frames import FloatArray, Frame, Segment, Skipped
from ionface.analysis.trajectory.store import (
    SCALARS,
    STRESSES,
    StoredFrames,
    read_store,
    release,
)
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import TrajectoryError, UnknownTimeError
from ionface.files import atomic_path

if TYPE_CHECKING:
    from ase import Atoms

NO_TIME = (
    "the time between these frames is not known; give it in fs between stored frames, "
    "as in open_trajectory(frames, timestep_fs=2.0)"
)
"""Why frames that came without a time axis have none."""


@dataclass(frozen=True, repr=False, eq=False)
class Trajectory:
    """Frames in the order of time.

    Attributes:
        species: chemical symbol of each atom.
        segments: the frames of each run in the order of time; none is empty.
        pbc: periodic along each cell vector.
        sources: the files that the frames came from.
        skipped: what was left out, and why.
        notes: what else one should know: joined runs, shifted times, torn ends.
        meta: what the writer left; "level_of_theory" and "quick" tell what the frames
            are worth.
        fixed: coordinates that the run held fixed, along the cell vectors, shape
            (n_atoms, 3); None where none is, or nothing tells.
        untimed: why the times of the frames are unknown; empty if they are known.
    """

    species: tuple[str, ...]
    segments: tuple[Segment, ...]
    pbc: tuple[bool, bool, bool] = (True, True, True)
    sources: tuple[str, ...] = ()
    skipped: Skipped = field(default_factory=Skipped)
    notes: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    fixed: NDArray[np.bool_] | None = None
    untimed: str = ""

    # --- where trajectories come from -----------------------------------------------

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], sha256: str | None = None
    ) -> Trajectory:
        """Return the whole frames of a file of our own format, memory-mapped.

        The file may still be growing; frames that come later are not seen. Header and
        checksum of every frame are verified.

        Args:
            path: of the file.
            sha256: its `store_digest` when it was recorded, where that is known.

        Raises:
            TrajectoryError: there is no such file, it is not ours, damaged, or another
                one than was recorded.
        """
        stored = read_store(Path(path))
        if sha256 is not None and stored.digest != sha256:
            raise TrajectoryError(
                f"{path} is not the trajectory that was recorded: its digest is "
                f"{stored.digest[:12]}..., recorded is {sha256[:12]}... "
                f"({_skipped(stored).reason or 'its frames are whole'}); restore the "
                "file from a copy, or run the job again"
            )
        return _of_store(stored, str(path))

    @classmethod
    def from_arrays(
        cls,
        species: Sequence[str],
        lattice: ArrayLike,
        positions: ArrayLike,
        timestep_fs: float | None = None,
        **attributes: Any,
    ) -> Self:
        """Return a trajectory of arrays in memory.

        Args:
            species: chemical symbol of each atom.
            lattice: rows are the cell vectors, Å, shape (3, 3); or one for each frame,
                shape (n_frames, 3, 3).
            positions: Cartesian, Å, shape (n_frames, n_atoms, 3), or (n_atoms, 3).
            timestep_fs: time between frames, fs. Only what needs times asks for it.
            attributes: further attributes of the trajectory, and `scalars`.

        Raises:
            TrajectoryError: the shapes do not fit, or a number is not finite.
        """
        frames = np.asarray(positions, dtype=np.float64)
        frames = frames[None] if frames.ndim == 2 else frames
        cells = np.asarray(lattice, dtype=np.float64)
        cells = cells[None] if cells.ndim == 2 else cells
        count = len(frames)
        if frames.shape[1:] != (len(species), 3):
            raise TrajectoryError(
                f"positions of {len(species)} atoms must have shape (n_frames, "
                f"{len(species)}, 3), got {np.shape(positions)}"
            )
        if cells.shape not in {(1, 3, 3), (count, 3, 3)}:
            raise TrajectoryError(
                f"lattice must have shape (3, 3) or ({count}, 3, 3), got "
                f"{np.shape(lattice)}"
            )
        if not (np.isfinite(frames).all() and np.isfinite(cells).all()):
            raise TrajectoryError(
                "positions and lattice must be finite numbers; leave out the frames "
                "with NaN or infinity"
            )
        steps = np.arange(count, dtype=np.int64)
        untimed = NO_TIME if timestep_fs is None and count > 1 else ""
        interval = np.float64(np.nan if untimed else timestep_fs or 0.0)
        times: FloatArray = steps * interval
        scalars = attributes.pop("scalars", {})
        segment = Segment(steps, times, cells, frames, scalars)
        return cls(
            species=tuple(species),
            segments=(segment,) if count else (),
            untimed=untimed,
            **attributes,
        )

    # --- what it is -----------------------------------------------------------------

    def __len__(self) -> int:
        return sum(len(segment) for segment in self.segments)

    def __iter__(self) -> Iterator[Frame]:
        for segment in self.segments:
            for index in range(len(segment)):
                yield segment.frame(index)

    def __repr__(self) -> str:
        words = [f"{len(self)} frames of {self.formula}"]
        if len(self) > 1 and self.timed:
            first, last = self.times_fs[[0, -1]] / 1000
            words.append(f"{first:g} to {last:g} ps")
        elif len(self) > 1:
            words.append("unknown times")
        if self.sources:
            words.append(", ".join(self.sources))
        return f"<Trajectory: {'; '.join(words)}>"

    @property
    def formula(self) -> str:
        """Return the atoms in their order of appearance, such as In92S80."""
        symbols = dict.fromkeys(self.species)
        return "".join(f"{s}{self.species.count(s)}" for s in symbols)

    @property
    def n_frames(self) -> int:
        """Return the number of frames."""
        return len(self)

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self.species)

    @property
    def timed(self) -> bool:
        """Return whether the time of every frame is known."""
        return not self.untimed

    @property
    def lattice(self) -> FloatArray:
        """Return the cell of the first frame, Å, shape (3, 3).

        Raises:
            TrajectoryError: there is no frame.
        """
        return np.array(self._nonempty()[0].lattices[0])

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """Return the MD step of each frame, shape (n_frames,)."""
        steps = [segment.steps for segment in self.segments]
        return np.concatenate(steps) if steps else np.zeros(0, dtype=np.int64)

    @property
    def times_fs(self) -> FloatArray:
        """Return the time of each frame, fs, shape (n_frames,).

        Raises:
            UnknownTimeError: the time between frames is not known, and was not given.
        """
        if self.untimed:
            raise UnknownTimeError(self.untimed)
        return self.times_or_nan_fs

    @cached_property
    def times_or_nan_fs(self) -> FloatArray:
        """Return the time of each frame, fs, shape (n_frames,); NaN where unknown."""
        times = [segment.times_fs for segment in self.segments]
        return np.concatenate(times) if times else np.zeros(0)

    @property
    def positions(self) -> FloatArray:
        """Return all positions, Å, shape (n_frames, n_atoms, 3).

        A view of the file if there is one segment; several are copied into memory, so
        prefer `blocks` for long trajectories.
        """
        if len(self.segments) == 1:
            return self.segments[0].positions
        arrays = [segment.positions for segment in self.segments]
        return np.concatenate(arrays) if arrays else np.zeros((0, self.n_atoms, 3))

    @property
    def scalars(self) -> dict[str, FloatArray]:
        """Return energies (eV) and temperature (K) by name, each (n_frames,).

        Those of `store.SCALARS` are always there, NaN where unknown; VASP adds
        e_0_energy (at zero smearing), nosepot and nosekinetic. Some files have the
        stress too (`store.STRESSES`, GPa).
        """
        further = [name for segment in self.segments for name in segment.scalars]
        return {
            name: self._scalar(name) for name in dict.fromkeys((*SCALARS, *further))
        }

    @property
    def energies(self) -> FloatArray:
        """Return the potential energy of each frame, eV; NaN where unknown."""
        return self._scalar("potential_energy")

    def indices(self, symbol: str) -> NDArray[np.intp]:
        """Return the atoms of a species.

        Raises:
            TrajectoryError: the trajectory has no such species.
        """
        found = np.flatnonzero(np.asarray(self.species) == symbol)
        if not len(found):
            raise TrajectoryError(
                f"no {symbol!r} in this trajectory; it has {sorted(set(self.species))}"
            )
        return found

    # --- its frames -----------------------------------------------------------------

    def frame(self, index: int) -> Frame:
        """Return one frame; negative indices count from the end.

        Raises:
            IndexError: there is no such frame.
        """
        wanted = index + len(self) if index < 0 else index
        for segment in self.segments:
            if 0 <= wanted < len(segment):
                return segment.frame(wanted)
            wanted -= len(segment)
        raise IndexError(f"frame {index} of a trajectory of {len(self)} frames")

    def blocks(self, size: int = 256) -> Iterator[Segment]:
        """Yield all frames in blocks of at most `size`, in the order of time.

        Pages of the file that a block was read from may leave memory when the next
        one is asked for; they come back if they are looked at again.
        """
        for segment in self.segments:
            for start in range(0, len(segment), size):
                block = segment[start : start + size]
                yield block
                release(block.positions)

    def between(self, start: int, stop: int) -> Trajectory:
        """Return frames start..stop-1 as views."""
        views, offset = [], 0
        for segment in self.segments:
            low, high = max(0, start - offset), max(0, stop - offset)
            if len(view := segment[low:high]):
                views.append(view)
            offset += len(segment)
        return replace(self, segments=tuple(views))

    # --- where it goes --------------------------------------------------------------

    def write(
        self, path: str | os.PathLike[str], atoms: NDArray[np.intp] | None = None
    ) -> None:
        """Write all frames into one file of our own format, whole or not at all.

        Velocities and thermostats are left out: they serve to continue a run, not to
        analyze it, and only some segments have them. Notes and fixed coordinates are
        kept in the meta, from where `open` takes them.

        Args:
            path: of the file; one that is there is replaced.
            atoms: indices of those that are written; all of them if not given.

        Raises:
            TrajectoryError: there is no atom, or the meta has no JSON form.
            IonfaceError: the disk refuses.
        """
        chosen = slice(None) if atoms is None else atoms
        with atomic_path(path) as temporary:
            temporary.unlink()  # a writer makes its file itself, locked from birth
            with TrajectoryWriter.create(
                temporary,
                np.asarray(self.species)[chosen].tolist(),
                self.lattice if self._one_cell() else None,
                pbc=self.pbc,
                stress=any(STRESSES[0] in s.scalars for s in self.segments),
                sources=self.sources,
                meta=self._meta_to_write(chosen),
            ) as writer:
                for block in self.blocks():
                    writer.append_segment(
                        block if atoms is None else block.of_atoms(atoms)
                    )

    def to_ase(self) -> list[Atoms]:
        """Return every frame as ASE Atoms, all in memory; energies where known."""
        return list(self.images())

    def images(self) -> Iterator[Atoms]:
        """Yield every frame as ASE Atoms, with energy and velocities where known."""
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.units import fs

        for frame in self:
            atoms = Atoms(
                self.species, frame.positions, cell=frame.lattice, pbc=self.pbc
            )
            energy = frame.scalars.get("potential_energy", np.nan)
            if np.isfinite(energy):
                atoms.calc = SinglePointCalculator(atoms, energy=energy)
            if frame.velocities is not None:
                atoms.set_velocities(frame.velocities / fs)
            yield atoms

    def _one_cell(self) -> bool:
        first = self.lattice
        return all((segment.lattices == first).all() for segment in self.segments)

    def _meta_to_write(self, atoms: slice | NDArray[np.intp]) -> dict[str, Any]:
        meta = {**self.meta, "notes": list(self.notes)}
        if self.fixed is not None:
            meta["fixed"] = self.fixed[atoms].tolist()
        return meta

    def _nonempty(self) -> tuple[Segment, ...]:
        if not self.segments:
            raise TrajectoryError(
                f"no complete frame in {', '.join(self.sources) or 'the trajectory'}"
                f"{': ' if self.skipped.reason else ''}{self.skipped.reason}; "
                "let the run finish a step, or give another file"
            )
        return self.segments

    def _scalar(self, name: str) -> FloatArray:
        values = [
            segment.scalars.get(name, np.full(len(segment), np.nan))
            for segment in self.segments
        ]
        return np.concatenate(values) if values else np.zeros(0)


def _of_store(stored: StoredFrames, path: str) -> Trajectory:
    header = stored.header
    fixed = header.meta.get("fixed")
    timed = all(np.isfinite(segment.times_fs).all() for segment in stored.segments)
    return Trajectory(
        species=header.species,
        segments=stored.segments,
        pbc=header.pbc,
        sources=header.sources or (path,),
        skipped=_skipped(stored),
        notes=tuple(header.meta.get("notes", ())),
        meta=header.meta,
        fixed=None if fixed is None else np.array(fixed, dtype=np.bool_),
        untimed="" if timed else NO_TIME,
    )


def _skipped(stored: StoredFrames) -> Skipped:
    bad, reasons = stored.damaged, []
    if bad:
        shown = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        reasons.append(f"checksum of frame {shown} is wrong")
    if stored.torn:
        reasons.append(f"the last frame is incomplete ({stored.torn} bytes)")
    return Skipped(len(bad) + bool(stored.torn), "; ".join(reasons))
