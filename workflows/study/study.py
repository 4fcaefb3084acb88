"""A study: which interfaces, which protocol, which engine.

Frozen data; `study_files.load` reads it from YAML and checks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Le

from ionface.analysis.deposition.cell import DepositionSpec
from ionface.analysis.energies.formation_energies import PublishedEnergy, by_engine
from ionface.errors import IonfaceError
from ionface.structures.specs import (
    AmorphousLayer,
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
    Layer,
    PartLayer,
    PolymerLayer,
    SlabLayer,
    shorten,
)
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.file_names import seed_name
from ionface.workflows.study.vasp_settings import VaspSettings

SHOWN = 60
"""Characters of what a study computes, in its `repr`."""

FORBID: dict[str, Any] = {"extra": "forbid"}
Positive = Annotated[float, Gt(0)]
# beyond these nothing is solid, shows structure, or was relaxed
Temperature = Annotated[float, Gt(0), Le(20_000)]  # K
Cutoff = Annotated[float, Gt(0), Le(50)]  # Å
Force = Annotated[float, Gt(0), Le(1000)]  # eV/Å
Count = Annotated[int, Gt(0)]
CountOrNone = Annotated[int, Ge(0)]
# against typing errors: what is above would fill memory before anything is computed
Steps = Annotated[int, Gt(0), Le(10**9)]
StepsOrNone = Annotated[int, Ge(0), Le(10**9)]

# a rehearsal shows that every job works and no more: 0.4 ps at 2 fs, and forces that
# an unrelaxed slab reaches in a few dozen steps
QUICK_STEPS = 200
QUICK_FMAX = 0.2  # eV/Å
QUICK_SPOTS = 2  # single points of first principles take minutes each
QUICK_PLATED = 0.1  # of the capacity: the mesh must stay fine enough for its waves
ANALYSES = ("rdf", "bonds", "checks")
"""What is computed of every run if the study does not say."""


@dataclass(frozen=True)
class Relaxation:
    """How far structures are relaxed.

    Attributes:
        fmax: largest force left, eV/Å; the protocol's if not given.
        steps: at most so many in one go; running again goes on from there.
    """

    __pydantic_config__: ClassVar = FORBID

    fmax: Force | None = None
    steps: Steps = 1000


@dataclass(frozen=True)
class DynamicsSpec:
    """Dynamics of one interface and the pairs whose RDFs are followed.

    Attributes:
        interface: name of one of the study's interfaces.
        steps: of the whole run.
        segment: steps of one job; the run is a chain of them.
        temperature: K; the protocol's if not given.
        timestep: fs; the protocol's if not given.
        pairs: as in "In-S"; every pair of the elements that are there if none is given.
        references: crystals whose RDFs stand beside the interface's.
        cutoff: of the RDFs, Å.
        windows: number of time windows; by the length of the run if not given.
        prerelax: steps of relaxation before the dynamics.
        seed: of the first velocities.
        seeds: so many runs beside one another, with seeds counted from `seed`, or the
            seed of each: independent runs are what an error bar is made of.
        stride: every so many steps a frame is kept.
        until: ends the run early once bonds have formed and their number stays (engine
            vasp; others refuse it), as in {pair: In-S, bonds: 10, at_least: 5000}; fs.
        analyses: what is computed of the trajectory, as `ionface analyze` calls it; a
            name, or a name with settings as in {msd: {species: [Li]}}.
    """

    __pydantic_config__: ClassVar = FORBID

    interface: str
    steps: Steps
    pairs: tuple[str, ...] = ()
    segment: Count | None = None
    temperature: Temperature | None = None
    timestep: Positive | None = None
    references: tuple[str, ...] = ()
    cutoff: Cutoff = 8.0
    windows: Annotated[int, Gt(0), Le(1000)] | None = None
    prerelax: StepsOrNone = 50
    seed: CountOrNone = 0
    seeds: Count | tuple[CountOrNone, ...] = 1
    stride: Count = 1
    until: dict[str, Any] | None = None
    analyses: tuple[str | dict[str, dict[str, Any] | None], ...] = ANALYSES

    def subjects(self, name: str) -> tuple[str, ...]:
        """Return how tables call the run of each seed, by a key of `Study.runs`."""
        if len(self.every_seed) == 1:
            return (name,)
        return tuple(seed_name(name, seed) for seed in self.every_seed)

    @property
    def every_seed(self) -> tuple[int, ...]:
        """Return the seed of each run."""
        if isinstance(self.seeds, int):
            return tuple(range(self.seed, self.seed + self.seeds))
        return self.seeds


@dataclass(frozen=True)
class ReferenceSpec:
    """A crystal whose RDF, at rest and in motion, interfaces are compared with.

    Attributes:
        crystal: library name or path.
        pairs: whose RDF.
        steps: of its dynamics; 0 for the crystal at rest alone.
        min_atoms: the cell is repeated until it holds as many.
    """

    __pydantic_config__: ClassVar = FORBID

    crystal: str
    pairs: tuple[str, ...]
    steps: StepsOrNone = 500
    min_atoms: Annotated[int, Gt(0), Le(5000)] = 60


@dataclass(frozen=True)
class PhasesSpec:
    """Competing phases of a chemical system, each relaxed in its own cell.

    Attributes:
        elements: of the system.
        observed_only: without phases that are only predicted.
        extra: crystals besides those of the phase library: names, or files.
        exclude: phases that stay away, by name or by formula.
        windows: compounds whose stability window is reported.
        contacts: pairs whose reaction is reported, as in "Li6PS5Cl:LiIn". Those of the
            study's interfaces need not stand here.
        against: element of the windows.
        corrections: of the energies, none or mp2020.
    """

    __pydantic_config__: ClassVar = FORBID

    elements: tuple[str, ...]
    observed_only: bool = True
    extra: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    windows: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    against: str = "Li"
    corrections: Literal["none", "mp2020"] = "none"

    @property
    def system(self) -> str:
        """Return the system, as in "Li-In"."""
        return "-".join(self.elements)


@dataclass(frozen=True)
class EngineChoice:
    """An engine spelled out: an ASE calculator, or a named potential's own weights.

    Attributes:
        calculator: import path of the class, as in "ase.calculators.emt.EMT".
        arguments: keyword arguments of the class.
        functional: what its energies stand for, in words; part of the level of theory.
        name: of a potential that has one, in place of a calculator.
        weights: file of its weights, relative to the study file.
        k_spacing: of a first-principles calculator, Å⁻¹, 2π included: the largest
            distance between k-points; each cell's mesh, of odd divisions and so
            centered on Γ, is given to the calculator as its argument `kpts`.
        cutoff: of its plane waves, eV, as its arguments have it; part of the level of
            theory.
    """

    __pydantic_config__: ClassVar = FORBID

    calculator: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    functional: str = "unspecified"
    name: str = ""
    weights: str | None = None
    k_spacing: Positive | None = None
    cutoff: Positive | None = None

    def __post_init__(self) -> None:
        """Refuse what names no engine, or two."""
        if bool(self.calculator) == bool(self.name):
            raise ValueError(
                "must name a calculator as in {calculator: ase.calculators.emt.EMT}, "
                "or a potential as in {name: mace, weights: path}"
            )

    def __str__(self) -> str:
        """Return it as the command line takes it."""
        if self.calculator:
            return self.calculator
        return f"{self.name}:{self.weights}" if self.weights else self.name


@dataclass(frozen=True)
class EngineNames:
    """Which engine computes what.

    Attributes:
        formation: the one of relaxations and energies.
        dynamics: the one of dynamics.
    """

    __pydantic_config__: ClassVar = FORBID

    formation: str | EngineChoice = "sevennet"
    dynamics: str | EngineChoice = "sevennet"


@dataclass(frozen=True)
class SpotCheckSpec:
    """Single points by another engine on frames of the study's own runs.

    Attributes:
        engine: first principles: gpaw, vasp; of another potential, the numbers are a
            spread of two potentials and marked as such.
        frames: of each interface's energies, and of each of the `dynamics`, whose
            seeds share them.
        region: what a frame too large is cut around: atoms of the interface, or any.
        most_atoms: of a frame; one with more is cut to a cluster.
    """

    __pydantic_config__: ClassVar = FORBID

    engine: str | EngineChoice
    frames: Annotated[int, Gt(1), Le(100)] = 8
    region: Literal["interface", "anywhere"] = "interface"
    most_atoms: Annotated[int, Gt(1), Le(1000)] = 60


@dataclass(frozen=True, repr=False)
class Study:
    """Everything that a user decides; the graph follows from it.

    Attributes:
        name: short, of letters, digits, dots, dashes and underscores.
        interfaces: what is built.
        protocol: whose settings.
        engine: one engine for all, or one for energies and one for dynamics.
        beside: further engines that compute the same formation energies; their spread
            is the error. Studies list all of them under `engines`.
        title: one line for tables and the report.
        lattice: where the lattices of crystals come from: "engine" relaxes each bulk
            crystal with the engine of the interface before the cut, "literature"
            takes them as published. A layer's own choice comes first.
        formation: names of the interfaces whose formation energy is computed; all of
            them if not given.
        slabs: relaxed in the interface's cell, or frozen as they are in the interface.
        relaxation: of interfaces and slabs.
        dynamics: runs.
        references: crystals to compare with.
        phases: competing phases of one or several chemical systems, for hulls, windows
            and driving forces.
        published: the paper's values.
        deposition: cells in which lithium grows.
        vasp: how VASP is run, and what of the protocol is overridden for it.
        dft: how first-principles programs other than VASP are run.
        quick: set by `quickened`; results say so.
        surfaces: facets of which all cuts are compared by their surface energies.
        chemical_potentials: of atoms that a slab has beyond whole formula units of its
            crystal, by element: eV per atom at the level of the engine, or the name of
            a crystal of the element, which is relaxed. Their interface and surface
            energies against bulk need them.
        spot_checks: single points on frames of the study's own interfaces, which tell
            how far its potential is from first principles.
    """

    __pydantic_config__: ClassVar = FORBID

    name: str
    interfaces: tuple[InterfaceSpec, ...] = ()
    protocol: str = "li-2024"
    engine: str | EngineNames | EngineChoice = field(default_factory=EngineNames)
    title: str = ""
    lattice: Literal["engine", "literature"] = "engine"
    formation: tuple[str, ...] | None = None
    slabs: Literal["relaxed", "frozen"] = "relaxed"
    relaxation: Relaxation = field(default_factory=Relaxation)
    dynamics: tuple[DynamicsSpec, ...] = ()
    references: tuple[ReferenceSpec, ...] = ()
    phases: PhasesSpec | tuple[PhasesSpec, ...] = ()
    published: tuple[PublishedEnergy, ...] = ()
    deposition: tuple[DepositionSpec, ...] = ()
    vasp: VaspSettings = field(default_factory=VaspSettings)
    dft: DftSettings = field(default_factory=DftSettings)
    quick: bool = False
    surfaces: tuple[CrystalLayer, ...] = ()
    chemical_potentials: dict[str, float | str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    spot_checks: SpotCheckSpec | None = None

    def interface(self, name: str) -> InterfaceSpec:
        """Return the interface of this name.

        Raises:
            IonfaceError: there is none.
        """
        known = {spec.name: spec for spec in self.interfaces}
        if name not in known:
            raise IonfaceError(f"no interface {name!r}; the study has {[*known]}")
        return known[name]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Return the names of all interfaces, cells and chemical systems."""
        names = [spec.name for spec in self.interfaces]
        names += [cell.name for cell in self.deposition]
        return (*names, *(each.system for each in self.systems))

    @property
    def runs(self) -> dict[str, DynamicsSpec]:
        """Return the dynamics by what their results are called.

        The first of an interface has its name, so that it keeps it when the study
        grows; a further one is told apart by its temperature, else by a number.
        """
        found: dict[str, DynamicsSpec] = {}
        interfaces = {spec.name for spec in self.interfaces}
        for run in self.dynamics:
            name, hot = run.interface, run.temperature
            names = chain(
                [name, *([f"{name} {hot:g} K"] if hot else [])],
                (f"{name} run {number}" for number in count(2)),
            )
            taken = found.keys() | (interfaces - {name})
            found[next(each for each in names if each not in taken)] = run
        return found

    @property
    def formation_names(self) -> tuple[str, ...]:
        """Return the names of the interfaces whose energy is asked for."""
        if self.formation is not None:
            return self.formation
        return tuple(spec.name for spec in self.interfaces)

    @property
    def systems(self) -> tuple[PhasesSpec, ...]:
        """Return the chemical systems whose phases are computed."""
        return (self.phases,) if isinstance(self.phases, PhasesSpec) else self.phases

    def __repr__(self) -> str:
        subjects = shorten(", ".join(self.subjects), SHOWN)
        return f"Study({self.name!r}: {subjects})"

    def _repr_html_(self) -> str:
        """Return what is built and run, as a notebook shows it."""
        rows = [
            ("interface", spec.name, f"{spec.film.name} on {spec.substrate.name}")
            for spec in self.interfaces
        ]
        rows += [
            ("dynamics", name, ", ".join([f"{run.steps} steps", *run.pairs]))
            for name, run in self.runs.items()
        ]
        cells = "".join(
            f"<tr>{''.join(f'<td>{escape(str(text))}</td>' for text in row)}</tr>"
            for row in rows
        )
        mark = " (quick: a rehearsal)" if self.quick else ""
        title = f"{self.title or self.name}{mark}, protocol {self.protocol}"
        return f"<h4>{escape(title)}</h4><table>{cells}</table>"

    def engines(self) -> EngineNames:
        """Return the engine of each kind of job."""
        if isinstance(self.engine, EngineNames):
            return self.engine
        return EngineNames(self.engine, self.engine)

    def engine_names(self) -> list[str]:
        """Return each engine that a job of the study may ask, as users write it."""
        names = self.engines()
        found = [str(names.formation), str(names.dynamics), *self.beside]
        if self.spot_checks:
            found.append(str(self.spot_checks.engine))
        found += [spec.scan.engine or "" for spec in self.interfaces if spec.scan]
        return [name for name in dict.fromkeys(found) if name]

    def with_engine(self, engine: str | None) -> Study:
        """Return the study with all jobs on another engine.

        Args:
            engine: its name, "name:file of its weights", or an import path.
        """
        if engine is None:
            return self
        name, colon, weights = engine.partition(":")
        if colon:  # a project is gone on with from anywhere
            engine = f"{name}:{Path(weights).resolve()}"
        return replace(self, engine=engine, beside=())

    def by_each_other(self) -> Iterator[tuple[str, Study]]:
        """Yield the study of the same energies by each engine beside the first."""
        specs = [s for s in self.interfaces if s.name in self.formation_names]
        for name in self.beside:
            yield (
                name,
                replace(
                    self,
                    engine=name,
                    interfaces=tuple(
                        replace(spec, name=by_engine(spec.name, name)) for spec in specs
                    ),
                    published=tuple(
                        replace(line, interface=by_engine(line.interface, name))
                        for line in self.published
                    ),
                    formation=None,
                    spot_checks=None,
                    **_ALONE,
                ),
            )


_ALONE: dict[str, Any] = dict.fromkeys(
    ("beside", "dynamics", "references", "phases", "deposition", "surfaces"), ()
)
"""What the first engine computes alone."""


def crystal_label(name_or_path: str) -> str:
    """Return how tables call a crystal: a file by its stem."""
    path = Path(name_or_path)
    return path.stem if path.is_absolute() else name_or_path


def quickened(study: Study) -> Study:
    """Return the same graph with thin slabs, loose forces and 0.4 ps of dynamics."""
    spots = study.spot_checks
    return replace(
        study,
        quick=True,
        interfaces=tuple(_thinner(spec) for spec in study.interfaces),
        surfaces=tuple(map(_half_crystal, study.surfaces)),
        relaxation=replace(study.relaxation, fmax=QUICK_FMAX),
        spot_checks=spots and replace(spots, frames=QUICK_SPOTS),
        dynamics=tuple(
            replace(
                run,
                steps=min(run.steps, QUICK_STEPS),
                segment=QUICK_STEPS // 2,
                windows=None if run.windows is None else min(run.windows, 4),
                prerelax=min(run.prerelax, 20),
            )
            for run in study.dynamics
        ),
        references=tuple(
            replace(ref, steps=min(ref.steps, QUICK_STEPS // 2), min_atoms=32)
            for ref in study.references
        ),
        deposition=tuple(
            replace(
                cell,
                capacity_mah_per_cm2=QUICK_PLATED * cell.capacity_mah_per_cm2,
                steps=max(10, round(QUICK_PLATED * cell.steps)),
            )
            for cell in study.deposition
        ),
    )


def _thinner(spec: InterfaceSpec) -> InterfaceSpec:
    sides: dict[str, Any] = {s: _half(getattr(spec, s)) for s in ("film", "substrate")}
    scan = spec.scan and replace(spec.scan, spacing=2 * spec.scan.spacing)
    return replace(spec, scan=scan, **sides)


def _half(layer: Layer) -> Layer:
    """Return a layer of about half its thickness, and of fewer orderings."""
    if isinstance(layer, PolymerLayer | SlabLayer | PartLayer):
        return layer
    if isinstance(layer, AmorphousLayer):
        return replace(
            layer,
            thickness=layer.thickness / 2,
            melt_steps=QUICK_STEPS // 4,
            quench_steps=QUICK_STEPS // 4,
        )
    if isinstance(layer, FilmLayer):
        return layer  # fewer chains would be another film
    return _half_crystal(layer)


def _half_crystal(layer: CrystalLayer) -> CrystalLayer:
    layer = replace(layer, doping=_fewer(layer.doping), ordering=_fewer(layer.ordering))
    if layer.layers is not None:
        return replace(layer, layers=min(layer.layers, _quick_layers(layer.layers)))
    return replace(layer, thickness=(layer.thickness or 10.0) / 2)


def _fewer(choice: Any) -> Any:
    """Return a doping or ordering with an ensemble of two at most, out of three."""
    if choice is None or choice.ensemble == 1:
        return choice
    return replace(choice, ensemble=2, orderings=min(choice.orderings, 3))


def _quick_layers(layers: int) -> int:
    return max(2, round(0.4 * layers))
