"""Makers of another package as an engine: atomate2's, or your own.

Data flow: structure -> the foreign Maker's job or flow -> its document -> RunRecord.
A document counts if it has `structure`, `output.energy` (eV) and `output.forces`
(eV/Å), as those of atomate2's VASP and force-field Makers do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jobflow import Flow, Maker
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings, Engine, RelaxSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.engines.records import RunRecord, relabeled


@dataclass(frozen=True, repr=False)
class MakersEngine(Engine):
    """An engine whose relaxations and single points are Makers of another package.

    >>> from ionface.workflows.engines.registry import engine
    >>> level, other = LevelOfTheory("ase", "3.26", "EMT"), "ase.calculators.emt.EMT"
    >>> single_point, relaxation = engine(other).static(), engine(other).relax
    >>> mine = MakersEngine("mine", level, single_point, relaxation)
    >>> mine, mine.relax(RelaxSettings(fmax=0.05)).name
    (MakersEngine('mine'), 'relax')

    Attributes:
        name: for users.
        level: what fixes the energies of these Makers; they cannot be asked.
        single_point: Maker of energies.
        relaxation: Maker of relaxations at a fixed cell; a function of RelaxSettings
            if it is to obey them, else its own settings decide when it ends.
        moving: engine of dynamics; None if there will be none.
    """

    name: str
    level: LevelOfTheory
    single_point: Maker
    relaxation: Maker | Callable[[RelaxSettings], Maker]
    moving: Engine | None = None

    def level_of_theory(self) -> LevelOfTheory:
        """Return the level as it was given."""
        return self.level

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations, its forces held against `fmax`."""
        foreign = self.relaxation
        maker = foreign if isinstance(foreign, Maker) else foreign(settings)
        return RecordMaker(maker, self.level, settings, name="relax")

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        return RecordMaker(self.single_point, self.level, name="static")

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of the engine that was given for dynamics."""
        if self.moving is None:
            raise IonfaceError(
                f"engine {self.name!r} has no dynamics; give MakersEngine(moving=...) "
                "an engine that has, or another engine for dynamics"
            )
        return self.moving.dynamics(settings)


@dataclass
class RecordMaker(Maker):
    """Runs a foreign Maker and reads its document as a RunRecord.

    Attributes:
        maker: makes a job, or a flow with an output.
        level: of theory of its energies.
        settings: of a relaxation; None for a single point.
    """

    maker: Maker
    level: LevelOfTheory
    settings: RelaxSettings | None = None
    name: str = "relax"

    def make(self, structure: Structure) -> Flow:
        """Return the flow of both jobs, with the RunRecord as output."""
        foreign = self.maker.make(structure)
        level = self.level.as_dict()
        record = read_document(foreign.output, structure, level, self.settings)
        return Flow([foreign, record], output=record.output, name=self.name)


@durable_job
def read_document(
    document: Any,
    structure: Structure,
    level: dict[str, Any],
    settings: RelaxSettings | None = None,
) -> RunRecord:
    """Return the RunRecord that a document amounts to.

    Args:
        document: of an atomate2 job.
        structure: that the job started from; gives order and labels of the sites.
        level: of theory.
        settings: of a relaxation; None for a single point.

    Raises:
        IonfaceError: the document has no energy or forces, or forces are above `fmax`
            where the relaxation must converge.
    """
    try:
        energy, forces = float(document.output.energy), document.output.forces
        order = site_order(structure, document.structure)
        free = ~np.array(structure.site_properties.get("fixed", [False] * len(order)))
        ordered = np.asarray(forces, dtype=float)[order]
        norms = np.linalg.norm(ordered, axis=1)[free]
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise IonfaceError(
            f"a {type(document).__name__} cannot be read as a relaxation or a single "
            f"point ({error}); the Maker's document must have structure, output.energy "
            "and output.forces, one for each atom"
        ) from error
    largest = float(norms.max(initial=0.0))
    converged = settings is None or largest <= settings.fmax
    if settings and settings.must_converge and not converged:
        raise IonfaceError(
            f"not converged: the largest force is {largest:.3f} eV/Å, above "
            f"{settings.fmax}; let the Maker take more steps or a smaller force"
        )
    final = Structure.from_sites([document.structure[i] for i in order])
    return RunRecord(
        structure=relabeled(structure, final),
        energy=energy,
        max_force=largest,
        converged=converged,
        steps=0,
        level=level,
        directory=str(getattr(document, "dir_name", None) or Path.cwd()),
        forces=None if settings else ordered.tolist(),
    )


def site_order(original: Structure, final: Structure) -> list[int]:
    """Return where each site of the original stands in the final structure.

    Input sets of VASP sort sites by species; the order within a species is kept.

    Raises:
        IonfaceError: neither the original's order nor the sorted one.
    """
    species = [site.specie for site in original]
    after = [site.specie for site in final]
    if after == species:
        return list(range(len(species)))
    by_species = sorted(range(len(species)), key=lambda i: species[i].X)
    if after == [species[i] for i in by_species]:
        return [int(i) for i in np.argsort(by_species)]
    raise IonfaceError(
        "the engine returned the atoms in another order; labels cannot be kept"
    )
