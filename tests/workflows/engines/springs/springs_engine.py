"""An engine of one's own: every atom is bound by 1 eV and swings about its place."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jobflow import Maker

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.trajectory.writer import TrajectoryWriter
from ionface.workflows.engines.contract import DynamicsSettings, Engine
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import (
    DynamicsRecord,
    RunRecord,
    TrajectoryPointer,
)

LEVEL = LevelOfTheory(code="springs", version="1.0", functional="none")


@dataclass
class BindMaker(Maker):
    name: str = "bind"

    @durable_job
    def make(self, structure):
        energy, here = -1.0 * len(structure), str(Path.cwd())
        return RunRecord(structure, energy, 0.0, True, 0, LEVEL.as_dict(), here)


@dataclass
class SwingMaker(Maker):
    settings: DynamicsSettings
    name: str = "swing"

    @durable_job
    def make(self, structure, previous=None):
        run, path = self.settings, Path("swing.ionf")
        first = previous.last_step if previous else 0
        start = first + 1 if previous else 0  # the frame between two stands once
        random = np.random.default_rng([run.seed, first])
        species = [site.specie.symbol for site in structure]
        path.unlink(missing_ok=True)  # a killed job starts again
        with TrajectoryWriter.create(path, species, structure.lattice.matrix) as frames:
            for step in range(start, first + run.steps + 1):
                if step % run.stride and step != first + run.steps:
                    continue
                frames.append(
                    step=step,
                    time_fs=step * run.timestep,
                    positions=random.normal(structure.cart_coords, 0.05),
                    temperature=run.temperature,
                    potential_energy=-1.0 * len(species),
                )
        pointer, last = TrajectoryPointer.to(path), first + run.steps
        here = str(Path.cwd())
        return DynamicsRecord(structure, pointer, first, last, LEVEL.as_dict(), here)


class Springs(Engine):
    name = "springs"

    def level_of_theory(self):
        return LEVEL

    def relax(self, settings):
        return BindMaker("relax")

    def static(self):
        return BindMaker("static")

    def dynamics(self, settings):
        return SwingMaker(settings)
