"""The molecular dynamics of a vaspout.h5 (VASP 6 with HDF5), through h5py.

Frames are complete where positions, cell and energies of a step are all there; what a
killed run had reserved but not written is zeros, and no frame. The licensed text of the
pseudopotentials, which such a file holds too, is never touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionface.analysis.readers.blocks import MOST_ATOMS, UNKNOWN, Block, to_cartesian
from ionface.analysis.readers.run_metadata import Clock, clock_of_tags
from ionface.analysis.readers.species import Names, repeated, species_of
from ionface.analysis.readers.text import plain_file
from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError
from ionface.files import Closing

AT_ONCE = 8 << 20
"""Bytes of positions that are in memory at once."""

_MOTION = "intermediate/ion_dynamics"
_START = "input/poscar"
_ENERGIES = {
    "ion-electron TOTEN": "potential_energy",
    "kinetic energy EKIN": "kinetic_energy",
    "temperature TEIN": "temperature",
    "nose potential ES": "nosepot",
    "nose kinetic EPS": "nosekinetic",
    "total energy ETOTAL": "conserved",
}
WAY_OUT = "take vasprun.xml or XDATCAR of the same run"


class VaspoutStream(Closing):
    """Reads one file from its start to its end, once; use it in a `with` statement.

    Attributes:
        species: chemical symbol of each atom.
        clock: how the run counts time; its block is that of this file.
        free: which coordinates may move, shape (n_atoms, 3), or None if all may.
        reason: why frames ended early; empty if they did not.
    """

    def __init__(self, path: Path, names: Names | None = None) -> None:
        """Open the file and read what the run was asked to do.

        Args:
            path: of the file.
            names: what the user says that the file's names of species are.

        Raises:
            AnalysisError: h5py is not installed, the file cannot be opened (HDF5 needs
                it whole), or it holds no molecular dynamics that can be used.
        """
        self.path, self._names = path, names
        self.reason = ""
        self._at_end = ""
        self._stack = ExitStack()
        try:
            self._file = self._open(path)
            self._begin()
        except BaseException:
            self._stack.close()
            raise

    def _open(self, path: Path) -> Any:
        try:
            import h5py
        except ImportError as error:
            raise AnalysisError(
                f"{path} is an HDF5 file, and h5py is not installed: pip install h5py; "
                f"or {WAY_OUT}"
            ) from error
        plain, _ = self._stack.enter_context(plain_file(path))
        try:
            return self._stack.enter_context(h5py.File(plain, "r"))
        except (OSError, RuntimeError) as error:
            raise AnalysisError(
                f"{path} cannot be opened, it was cut short or damaged ({error}); an "
                f"HDF5 file is whole or lost: {WAY_OUT}"
            ) from error

    def _begin(self) -> None:
        try:
            tags = self._tags()
            self.species = self._species()
            self.free = self._free()
            self._count = self._frames()
            self.clock = self._clock(tags)
        except AnalysisError:
            raise
        except Exception as error:  # damage in HDF5 raises anything
            raise AnalysisError(
                f"{self.path} holds no molecular dynamics that can be read ({error}); "
                f"{WAY_OUT}"
            ) from error

    def blocks(self) -> Iterator[Block]:
        """Yield every complete frame; then `reason` is final."""
        start, size = 0, self._frames_at_once()
        while start < self._count and not self.reason:
            stop = min(start + size, self._count)
            try:
                block = self._block(start, stop)
            except Exception as error:  # noqa: BLE001 - as above
                self.reason = f"the file is damaged: {error}"
                return
            if len(block):
                yield block
            start = stop
        self.reason = self.reason or self._at_end
        self.close()

    def _frames_at_once(self) -> int:
        """Return how many frames to read at once: whole chunks of the file."""
        motion = self._file[_MOTION] if self._count else None
        together = motion and motion["position_ions"].chunks
        # HDF5 decompresses whole chunks: half of one would cost as much, twice.
        step = together[0] if together else 1
        wanted = AT_ONCE // (24 * len(self.species))
        return max(step, wanted // step * step, 1)

    def close(self) -> None:
        """Release the file."""
        self._stack.close()

    def _block(self, start: int, stop: int) -> Block:
        """Return frames; fewer, with the reason, where one is not complete."""
        motion = self._file[_MOTION]
        scale = float(motion["scale"][()]) if "scale" in motion else 1.0
        lattices = np.asarray(motion["lattice_vectors"][start:stop], float) * scale
        fractional = np.asarray(motion["position_ions"][start:stop], float)
        # VASP reserves space for all steps: what it did not write is zeros or NaN.
        good = np.isfinite(fractional).all(axis=(1, 2)) & _solid(lattices)
        if len(self.species) > 1:  # atoms do not all stand at the origin
            good &= fractional.any(axis=(1, 2))
        count = len(good) if good.all() else int(np.argmin(good))
        if count < len(good):
            self.reason = f"frame {start + count + 1} was reserved but never written"
        lattices, fractional = lattices[:count], fractional[:count]
        if count and (lattices == lattices[0]).all():
            lattices = lattices[:1]
        return Block(
            labels=np.full(count, UNKNOWN),
            lattices=lattices,
            positions=to_cartesian(fractional, lattices),
            scalars=self._scalars(start, start + count),
        )

    def _scalars(self, start: int, stop: int) -> dict[str, FloatArray]:
        motion = self._file[_MOTION]
        if "energies" not in motion or "energies_tags" not in motion:
            return {}
        names = [" ".join(_text(tag).split()) for tag in motion["energies_tags"][()]]
        table = np.asarray(motion["energies"][start:stop], float)
        return {
            _ENERGIES[name]: table[:, column]
            for column, name in enumerate(names[: table.shape[1]])
            if name in _ENERGIES
        }

    def _tags(self) -> dict[str, str]:
        incar = self._file.get("input/incar", {})
        tags = {name.upper(): _text(incar[name][()]) for name in incar}
        if tags.get("ML_LMLFF", "0").strip(".").upper()[:1] in ("1", "T"):
            raise AnalysisError(
                f"{self.path} is a run with machine-learned forces (ML_LMLFF): its "
                "frames are not all from first principles; give the XDATCAR"
            )
        return tags

    def _species(self) -> tuple[str, ...]:
        poscar = self._file["results/positions" if self._has_results() else _START]
        names = [_text(name) for name in poscar["ion_types"][()]]
        counts = [int(n) for n in poscar["number_ion_types"][()]]
        if min(counts, default=0) < 1 or sum(counts) > MOST_ATOMS:
            raise ValueError(f"it tells numbers of atoms {counts[:9]}")
        return repeated(species_of(self.path, names, self._names), counts)

    def _has_results(self) -> bool:
        return "results/positions/ion_types" in self._file

    def _free(self) -> NDArray[np.bool_] | None:
        poscar = self._file[_START]
        name = "selective_dynamics_ions"
        told = "selective_dynamics" in poscar and int(poscar["selective_dynamics"][()])
        if not told or name not in poscar:
            return None
        return np.array(poscar[name][()], dtype=bool).reshape(len(self.species), 3)

    def _frames(self) -> int:
        """Return how many frames are there at most."""
        if _MOTION not in self._file:
            return 0
        motion = self._file[_MOTION]
        shape = motion["position_ions"].shape
        if shape[1:] != (len(self.species), 3):
            raise ValueError(f"it has {len(self.species)} atoms, but positions {shape}")
        if motion["lattice_vectors"].shape[1:] != (3, 3):
            raise ValueError(f"its cells have shape {motion['lattice_vectors'].shape}")
        needed = ("position_ions", "lattice_vectors", "energies")
        lengths = [len(motion[name]) for name in needed if name in motion]
        if len(set(lengths)) > 1:
            self._at_end = f"the run was killed while it wrote step {max(lengths)}"
        return min(lengths)

    def _clock(self, tags: dict[str, str]) -> Clock:
        """Return the clock; where NBLOCK is not 1, only if the count of frames tells.

        A file of NSW frames holds every step, one of NSW / NBLOCK every NBLOCK-th.
        """
        clock = clock_of_tags({"NBLOCK": "1", **tags})
        block, steps = clock.block or 1, tags.get("NSW", "0")
        if block == 1:
            return clock
        # Only its length tells which of the two it is; of a killed run, nothing does.
        planned = int(steps) if steps.isdigit() else 0
        if planned and self._count > planned // block:
            return Clock(clock.timestep_fs, 1)
        if planned and self._count == planned // block:
            return clock
        return Clock(None, None)


def _solid(lattices: FloatArray) -> NDArray[np.bool_]:
    finite = np.isfinite(lattices).all(axis=(1, 2))
    known = finite.reshape(-1, 1, 1)
    volumes = np.linalg.det(np.where(known, lattices, 0.0))
    good: NDArray[np.bool_] = finite & (np.abs(volumes) > 0)
    return good


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()
