"""NVT dynamics with a potential, streamed to disk and resumable at any frame.

Data flow: structure (or the last frame of the previous segment) -> ASE's Nosé-Hoover
chain -> one record per frame appended to trajectory.ionf in the job's folder. A record
holds positions, velocities and the thermostat; what was recorded *is* the state that
the next step starts from, so that a run that was killed and one that was not are the
same run, bit for bit, wherever the potential is deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.nose_hoover_chain import NoseHooverChainNVT
from ase.md.velocitydistribution import Stationary, thermalize_momenta
from ase.stress import full_3x3_to_voigt_6_stress
from jobflow import Maker
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.ase import AseAtomsAdaptor

from ionface.analysis.trajectory.frames import Frame
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.errors import IonfaceError
from ionface.structures.labels import labels_of
from ionface.workflows.engines import progress
from ionface.workflows.engines.ase.atoms import atoms_of, free_atoms
from ionface.workflows.engines.ase.potential import CalculatorSource, stress_of
from ionface.workflows.engines.contract import DynamicsSettings, check_timestep
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    TrajectoryPointer,
    relabeled,
    runs_folder,
)

FRAMES = "trajectory.ionf"
CHAIN = 3  # thermostats in the chain: ergodic also for stiff solids (Martyna 1992)


@dataclass
class PotentialDynamicsMaker(Maker):
    """One segment of NVT dynamics.

    Attributes:
        potential: the calculator and its identity.
        settings: of this segment.
    """

    potential: CalculatorSource
    settings: DynamicsSettings
    name: str = "dynamics"

    @durable_job
    def make(
        self, structure: Structure, previous: DynamicsRecord | None = None
    ) -> DynamicsRecord:
        """Run the segment, or what is left of it, and return its record.

        Args:
            structure: where the first segment starts; gives labels in later ones.
            previous: the segment that this one continues with positions, velocities
                and thermostat.
        """
        self.potential.check_elements(structure.symbol_set, structure.formula)
        check_timestep(structure, self.settings.timestep)
        level = self.potential.level_of_theory(structure).as_dict()
        first = 0 if previous is None else previous.last_step
        with self.potential.opened(structure) as calculator:
            atoms = atoms_of(structure)
            atoms.calc = calculator
            run = ThermostattedRun(atoms, self.settings)
            with self._writer(atoms, level, labels_of(structure)) as writer:
                if writer.n_frames:
                    run.restore(Trajectory.open(FRAMES).frame(-1))
                elif previous is not None:
                    run.restore(previous.trajectory.open(runs_folder()).frame(-1))
                else:
                    thermalize(atoms, self.settings)
                    run.start()
                goal = first + self.settings.steps
                run.advance_to(goal, writer, self.settings.stride)
        return DynamicsRecord(
            structure=relabeled(structure, AseAtomsAdaptor.get_structure(atoms)),
            trajectory=TrajectoryPointer.to(Path(FRAMES)),
            first_step=first,
            last_step=run.step,
            level=level,
            directory=str(Path.cwd()),
        )

    def _writer(
        self, atoms: Atoms, level: dict[str, Any], labels: dict[str, list[Any]]
    ) -> TrajectoryWriter:
        if Path(FRAMES).is_file():
            return TrajectoryWriter.resume(FRAMES)
        return TrajectoryWriter.create(
            FRAMES,
            species=atoms.get_chemical_symbols(),
            lattice=np.asarray(atoms.cell),
            velocities=True,
            thermostat=2 * CHAIN,
            stress=stress_of(atoms) is not None,
            meta={
                "level_of_theory": level,
                "temperature_K": self.settings.temperature,
                "labels": labels,
            },
        )


def thermalize(atoms: Atoms, settings: DynamicsSettings) -> None:
    """Give the atoms that move velocities of exactly the temperature asked for."""
    free = free_atoms(atoms)
    moving = atoms[free]
    moving.set_constraint()
    random = np.random.default_rng(settings.seed)
    thermalize_momenta(moving, settings.temperature, rng=random)
    freedom = degrees_of_freedom(atoms)
    if freedom < 3 * len(moving):  # nothing drifts that is held by the others
        Stationary(moving, preserve_temperature=False)
    wanted = freedom * units.kB * settings.temperature / 2
    momenta = np.zeros((len(atoms), 3))
    scale = np.sqrt(wanted / moving.get_kinetic_energy())
    momenta[free] = scale * moving.get_momenta()
    atoms.set_momenta(momenta)


def degrees_of_freedom(atoms: Atoms) -> int:
    """Return how many degrees of freedom the thermostat heats.

    The center of mass rests where no atom is held (`thermalize`), and forces leave it
    so: three fewer than the atoms have. A lone atom would have none, and keeps its own.
    """
    moving = 3 * len(free_atoms(atoms))
    return moving if atoms.constraints or moving <= 3 else moving - 3


class _HeldChain(NoseHooverChainNVT):
    """ASE's chain, in which atoms that are held gather no momentum.

    Theirs would count as heat, and the thermostat would cool the others for it.
    """

    def _get_forces(self) -> NDArray[np.float64]:
        self._update_atoms()
        return np.asarray(self.atoms.get_forces(), dtype=np.float64)


class ThermostattedRun:
    """Atoms and thermostat whose state is exactly what a frame holds.

    Args:
        atoms: with calculator; moved in place.
        settings: temperature, time step and the thermostat's period.
    """

    def __init__(self, atoms: Atoms, settings: DynamicsSettings) -> None:
        self.atoms = atoms
        self.temperature, self.timestep = settings.temperature, settings.timestep
        self.freedom = degrees_of_freedom(atoms)
        # a thermostat of mass Q = N_f kT τ² oscillates with the period 2π τ / √2
        self.damping = settings.period * self.timestep * np.sqrt(2) / (2 * np.pi)  # fs
        self.step = 0
        self.fresh = True
        self.integrator: NoseHooverChainNVT | None = None

    def start(self) -> None:
        """Begin at step 0 with the velocities that the atoms have."""
        self._set_state(
            self.atoms.get_velocities() * units.fs, np.zeros(2 * CHAIN), step=0
        )

    def restore(self, frame: Frame) -> None:
        """Take positions, velocities, thermostat and step of a recorded frame.

        Raises:
            IonfaceError: the frame has no velocities or no thermostat.
        """
        if frame.velocities is None or frame.thermostat is None:
            raise IonfaceError(
                f"step {frame.step} was stored without velocities or thermostat, so "
                "the dynamics cannot go on from it; continue from a segment in runs/"
            )
        self.atoms.positions = frame.positions
        self._set_state(frame.velocities, frame.thermostat, frame.step)
        self.fresh = False

    def _set_state(
        self,
        velocities: NDArray[np.float64],
        thermostat: NDArray[np.float64],
        step: int,
    ) -> None:
        """Load velocities (n_atoms, 3) in Å/fs and the chain's (2 * CHAIN,) state."""
        self.atoms.set_velocities(velocities / units.fs)
        self.integrator = _HeldChain(
            self.atoms,
            timestep=self.timestep * units.fs,
            temperature_K=self.temperature,
            tdamp=self.damping * units.fs,
            tchain=CHAIN,
        )
        chain = self.integrator._thermostat
        # ASE counts atoms that are held, and a center of mass that rests
        heated: Any = self.freedom / 3  # atoms' worth, no whole number
        chain._Q[0] *= heated / len(self.atoms)
        chain._num_atoms_global = heated
        chain._eta[:] = thermostat[:CHAIN]
        chain._p_eta[:] = thermostat[CHAIN:]
        self.step = step

    def advance_to(self, last: int, writer: TrajectoryWriter, stride: int) -> None:
        """Integrate up to a step, writing every `stride`-th frame and the last one."""
        start = self.step
        if self.fresh:
            self._record(writer)
        while self.step < last:
            assert self.integrator is not None
            self.integrator.step()
            self.step += 1
            if self.step % stride == 0 or self.step == last:
                self._record(writer)
            progress.report(
                self.step - start,
                last - start,
                f"{self.step * self.timestep / 1000:.2f} ps, "
                f"{self._temperature():.0f} K",
            )

    def _temperature(self) -> float:
        """Return the temperature of what the thermostat heats, K."""
        return float(2 * self.atoms.get_kinetic_energy() / (self.freedom * units.kB))

    def _record(self, writer: TrajectoryWriter) -> None:
        assert self.integrator is not None
        chain = self.integrator._thermostat
        thermostat = np.concatenate([chain._eta, chain._p_eta])
        velocities = self.atoms.get_velocities() * units.fs
        stress = stress_of(self.atoms) if writer.header.stress else None
        potential = float(self.atoms.get_potential_energy())
        kinetic = float(self.atoms.get_kinetic_energy())
        self._check(potential)
        writer.append(
            step=self.step,
            time_fs=self.step * self.timestep,
            positions=self.atoms.get_positions(),
            potential_energy=potential,
            kinetic_energy=kinetic,
            temperature=self._temperature(),
            conserved=potential + kinetic + chain.get_thermostat_energy(),
            velocities=velocities,
            thermostat=thermostat,
            stress=None if stress is None else full_3x3_to_voigt_6_stress(stress),
        )
        # rounding of the unit conversion included: a restart sees the same numbers
        self._set_state(velocities, thermostat, self.step)

    def _check(self, potential: float) -> None:
        temperature = self._temperature()
        if not np.isfinite(potential) or temperature > 20 * max(self.temperature, 50):
            raise IonfaceError(
                f"the dynamics blew up at step {self.step}: potential energy "
                f"{potential:.3f} eV, temperature {temperature:.0f} K; shorten the "
                f"time step ({self.timestep} fs) or relax the structure first"
            )
