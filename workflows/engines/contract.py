"""What an engine owes: Makers, a level of theory, and what it says of its own jobs.

Everything outside this folder knows engines by this contract alone. An engine may
subclass `Engine`, which answers for it wherever most engines have the same answer; the
methods with `...` are its own. docs/studies.md has one of 40 lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, runtime_checkable

from jobflow import Maker
from monty.json import MSONable
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.structures.specs import Cell
from ionface.workflows.study.dft_settings import DftSettings
from ionface.workflows.study.protocols import Protocol as PaperProtocol
from ionface.workflows.study.vasp_settings import VaspSettings

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

Kind = Literal["relax", "static", "dynamics"]
STRESS_LEFT = 0.05
"""GPa, of a relaxed cell: with moduli of 20 to 100 GPa, lengths are right to 0.1 %."""

FASTEST_WITH_HYDROGEN = 1.0  # fs; hydrogen's stretches have periods of 10 fs


@dataclass(frozen=True)
class RelaxSettings(MSONable):
    """When a relaxation is done.

    Attributes:
        fmax: largest force that counts as converged, eV/Å.
        steps: at most so many ionic steps in one go.
        must_converge: a relaxation that needs more steps is an error, and running it
            again goes on from its last structure; else it ends where it is.
        like_dynamics: forces are evaluated as in the engine's dynamics, which this
            relaxation prepares, and not as in its energies. An engine that makes no
            difference between the two ignores it.
        cell: what moves besides the atoms, as in `InterfaceSpec.cell`; "full" also
            relaxes a bulk crystal. The third vector is the normal. It is done when no
            stress of what moves is above `STRESS_LEFT`.
        shared: another study of this user may have done the same, as the relaxation of
            a crystal. An engine that knows its level before it runs need not repeat it.
    """

    fmax: float = 0.02
    steps: int = 1000
    must_converge: bool = True
    like_dynamics: bool = False
    cell: Cell = "fixed"
    shared: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no relaxation can have."""
        _check_above(self, fmax=0, steps=-1)


@dataclass(frozen=True)
class DynamicsSettings(MSONable):
    """An NVT run with a Nosé-Hoover thermostat.

    Attributes:
        temperature: K.
        timestep: fs.
        steps: in this segment.
        period: of the thermostat's own oscillation, in steps; 40 is what VASP takes
            for SMASS=0.
        stride: every so many steps a frame is written.
        seed: of the Maxwell-Boltzmann velocities of the first segment.
        segment: an engine that decides by itself how often it restarts does so after
            so many steps at the latest; None for as seldom as possible.
        until: ends the run once bonds have formed and their number stays, as in
            {pair: In-S, bonds: 10, at_least: 5000} (fs). Only an engine that decides
            its segments itself is given one: it can stop early.
    """

    temperature: float = 300.0
    timestep: float = 2.0
    steps: int = 1000
    period: float = 40.0
    stride: int = 1
    seed: int = 0
    segment: int | None = None
    until: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that no run can have."""
        _check_above(self, temperature=0, timestep=0, steps=-1, period=0, stride=0)


def _check_above(settings: Any, **limits: float) -> None:
    for key, limit in limits.items():
        value = getattr(settings, key)
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not number or not float(value) > limit:
            raise IonfaceError(
                f"{type(settings).__name__}: {key}={value!r} must be a number above "
                f"{limit}"
            )


@dataclass(frozen=True)
class JobDescription:
    """What one job of an engine will do, before anything has run.

    Attributes:
        kind: of the job.
        structure: where it starts.
        steps: ionic steps at most.
        inputs: what the engine's program is given, in the engine's own terms. VASP's
            runs are priced by `plan` and written by `inputs`; others' they leave out.
        stages: runs of that program in one go.
        prerelaxed: a potential takes out the worst forces first.
    """

    kind: Kind
    structure: Structure
    steps: int
    inputs: Any = None
    stages: int = 1
    prerelaxed: bool = False


@dataclass(frozen=True)
class StepCost:
    """What one ionic step of a job costs, from runs that were measured.

    Attributes:
        seconds: on so many ranks; good to a factor of two.
        memory_gb: of all ranks together.
        ranks: MPI processes.
    """

    seconds: float
    memory_gb: float
    ranks: int = 1


@dataclass(frozen=True)
class StudySettings:
    """What a study sets for its engines.

    Attributes:
        protocol: the settings that the study follows.
        vasp: its section of this name: spin, U, k-points, dipole and wall time, which
            engines of plane waves read alike.
        dft: its section for first-principles programs other than VASP.
        elements: gives all elements of the study; one cutoff serves all its energies.
    """

    protocol: PaperProtocol
    vasp: VaspSettings
    dft: DftSettings = field(default_factory=DftSettings)
    elements: Callable[[], frozenset[str]] = frozenset


@runtime_checkable
class Engine(Protocol):
    """Anything that can relax, evaluate and move a structure.

    `relax` and `static` return Makers whose `make(structure)` gives a job with a
    RunRecord as output. `dynamics` returns a Maker whose `make(structure, previous)`
    gives a job with a DynamicsRecord, `previous` being the record that it continues:
    its first frame is the last one of `previous`, not repeated. Every frame of its
    trajectory has a temperature (K) and a potential energy (eV), which the report
    shows; `records.check_frames` holds a trajectory against this.

    A job that is run again in its folder goes on from what it finds there.

    Attributes:
        name: under which users call it.
    """

    name: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def level_of_theory(self) -> LevelOfTheory:
        """Return what fixes its energies, as found on this machine."""
        ...

    def relax(self, settings: RelaxSettings) -> Maker:
        """Return the Maker of relaxations."""
        ...

    def static(self) -> Maker:
        """Return the Maker of single-point calculations."""
        ...

    def dynamics(self, settings: DynamicsSettings) -> Maker:
        """Return the Maker of one segment of molecular dynamics."""
        ...

    @property
    def decides_segments(self) -> bool:
        """Tell whether one dynamics job does all steps, in as many runs as it takes.

        It asks `DynamicsSettings.until` after each whether it is the last one.
        Else a long run is a chain of jobs, each with the steps of one segment.
        """
        return False

    def configured(
        self, settings: StudySettings, find: Callable[[str], Engine]
    ) -> Self:
        """Return the engine with what a study sets for it.

        Args:
            settings: of the study.
            find: gives another engine by name, as one for a pre-relaxation.
        """
        del settings, find
        return self

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements that the engine was not made for.

        Args:
            symbols: of all elements.
            where: they are, for the message.

        Raises:
            IonfaceError: names them.
        """
        del symbols, where

    @property
    def in_process(self) -> bool:
        """Tell whether an energy is so cheap that many belong in one job.

        Then `calculator` gives them, and the engine, which that job carries, is
        MSONable. Else each energy is worth a job of its own.
        """
        return False

    @property
    def worker_gib(self) -> float:
        """Return the memory of a process that computes jobs beside others, GiB.

        0 where that is not worth while: jobs are over before a process has started, or
        take all cores themselves.
        """
        return 0.0

    def calculator(self) -> Calculator:
        """Return the ASE calculator of an engine that computes in process."""
        raise IonfaceError(f"{self.name} does not compute in process")

    def check_start(self, maker: Maker, *, here: bool) -> None:
        """Refuse a job that could not start, whatever its structure.

        It is asked before anything is built or submitted, so it takes no time.

        Args:
            maker: one of the engine's, or of what it makes.
            here: the job will run on this machine, so its programs must be found now.

        Raises:
            IonfaceError: what is missing, and how to get it.
        """
        del maker, here

    def describe(self, maker: Maker, structure: Structure) -> JobDescription | None:
        """Return what a job of one of its Makers will do with a structure.

        None where there is nothing to plan: the job needs no resources of its own.
        """
        del maker, structure
        return None

    def step_cost(self, maker: Maker, structure: Structure) -> StepCost | None:
        """Return what one ionic step costs.

        None if nobody can tell: a plan then has the steps alone. A step of an engine
        that computes in process is measured, VASP's is modelled by what `describe`
        tells.

        Raises:
            IonfaceError: the job could not start: what it needs is not there.
        """
        del maker, structure
        return None


def check_timestep(structure: Structure, timestep: float, insist: str = "") -> None:
    """Refuse a time step that is too long for the fastest bonds.

    Args:
        structure: whose lightest element decides.
        timestep: fs.
        insist: how a user may have it all the same, for the message.

    Raises:
        IonfaceError: hydrogen with more than 1 fs.
    """
    if "H" in structure.symbol_set and timestep > FASTEST_WITH_HYDROGEN:
        raise IonfaceError(
            f"timestep={timestep:g} fs is too long for hydrogen, whose stretches have "
            f"periods of 10 fs; set timestep to {FASTEST_WITH_HYDROGEN:g} fs or less"
            + (f", or insist with {insist}" if insist else "")
        )
