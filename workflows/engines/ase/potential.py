"""A potential: an ASE calculator with what identifies it and what it was made for.

A model is identified by its package's version and the hash of its weights, never by
its name alone: names are re-used for other weights, and libraries fall back silently.
What has no version is identified by the hash of its source.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from monty.json import MSONable
from numpy.typing import NDArray
from pymatgen.core import Structure

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import IonfaceError
from ionface.files import digest, file_digest
from ionface.structures.ledger_cell import context
from ionface.workflows.engines.ase.fused_convolution import fuse
from ionface.workflows.engines.k_mesh import mesh

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of malloc.h


class CalculatorSource(Protocol):
    """What the Makers of this folder compute with: a potential, or a program."""

    @property
    def name(self) -> str:
        """Return how users call it."""
        ...

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements that it was not made for."""
        ...

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return what fixes its energies, of a structure's elements if one is given."""
        ...

    def opened(self, structure: Structure) -> AbstractContextManager[Calculator]:
        """Lend a calculator for one job."""
        ...


@dataclass(frozen=True)
class Potential(MSONable):
    """An ASE calculator, its arguments and what its energies mean.

    Attributes:
        name: for users.
        calculator: import path of the calculator's class.
        arguments: of the calculator.
        functional: the reference data's functional, in words.
        model: name of the model within its package.
        weights: file whose hash identifies the model; None where there is none.
        elements: that it was made for; None where that is not known.
        device: argument that names the device, of a calculator that does not take a
            GPU by itself where there is one.
        k_spacing: of a first-principles calculator, Å⁻¹; None for a potential.
        cutoff: of its plane waves, eV; None for a potential.
    """

    name: str
    calculator: str
    arguments: dict[str, Any] = field(default_factory=dict)
    functional: str = "unspecified"
    model: str | None = None
    weights: str | None = None
    elements: tuple[str, ...] | None = None
    device: str | None = None
    k_spacing: float | None = None
    cutoff: float | None = None

    @property
    def first_principles(self) -> bool:
        """Tell whether energies take so long that each is worth a job of its own."""
        return self.k_spacing is not None or self.cutoff is not None

    @property
    def k_rule(self) -> str | None:
        """Return the rule of the k-mesh in words; None for a potential."""
        return f"Gamma, odd, {self.k_spacing:g} per Å" if self.k_spacing else None

    def load(self, **more: Any) -> Calculator:
        """Return a fresh calculator; here the model is read.

        Args:
            more: arguments of one structure, besides its own.

        Raises:
            IonfaceError: it cannot be imported.
        """
        _keep_freed_memory()
        where = {self.device: _best_device()} if self.device else {}
        arguments = {**where, **self.arguments, **more}
        calculator = calculator_class(self.calculator)(**arguments)
        fuse(calculator)
        return calculator

    @contextmanager
    def opened(self, structure: Structure) -> Iterator[Calculator]:
        """Lend a fresh calculator for one job, with its cell's k-mesh if it has one."""
        more = {}
        if self.k_spacing is not None:
            divisions = mesh(context(structure), self.k_spacing)
            # many calculators shift an even mesh off Γ; an odd one they read alike
            more["kpts"] = tuple(n | 1 for n in divisions)
        with default_dtype_restored():
            yield self.load(**more)

    def check_elements(self, symbols: Iterable[str], where: str) -> None:
        """Refuse elements that the potential was not made for.

        Args:
            symbols: of all elements.
            where: they are, for the message.

        Raises:
            IonfaceError: names them, and what else could be used. Some models would
                return a number for any element.
        """
        if self.elements is None:
            return
        if unknown := sorted(set(symbols) - set(self.elements)):
            few = f": {', '.join(self.elements)}" if len(self.elements) < 20 else ""
            raise IonfaceError(
                f"engine {self.name!r} was not made for {', '.join(unknown)} in "
                f"{where}; it knows {len(self.elements)} elements{few}. Choose an "
                "engine that was made for all of them"
            )

    def level_of_theory(self, structure: Structure | None = None) -> LevelOfTheory:
        """Return code, version, model and weights as installed on this machine."""
        del structure  # one model for all elements
        package = self.calculator.partition(".")[0]
        return LevelOfTheory(
            code=package,
            version=_version(package),
            functional=self.functional,
            model=self.model or self._described_arguments(),
            weights=_sha256(self.weights) if self.weights else None,
            cutoff_ev=self.cutoff,
            k_points=self.k_rule,
        )

    def _described_arguments(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in sorted(self.arguments.items()))
        return f"{self.calculator.rpartition('.')[2]}({arguments})"


def calculator_class(path: str) -> Callable[..., Calculator]:
    """Return the class at an import path.

    Raises:
        IonfaceError: nothing can be imported from there.
    """
    module, _, name = path.rpartition(".")
    try:
        found: Callable[..., Calculator] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise IonfaceError(
            f"no calculator at {path!r}: {error}; give the full import path of an ASE "
            "calculator class that is installed here"
        ) from error
    return found


def _best_device() -> str:
    """Return "cuda" where torch has a GPU, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next step, instead of giving it back.

    A step of some hundred atoms takes and frees gigabytes. Taken from the system each
    time, page by page, that was a seventh to a third of a step (faults per step of 116
    atoms: 100,000 before, 0 after). Other systems have other allocators.
    """
    with suppress(OSError, AttributeError):
        allocator = ctypes.CDLL("libc.so.6", use_errno=True)
        for option, value in (
            (M_MMAP_MAX, 0),
            (M_TRIM_THRESHOLD, 2**31 - 1),
            (M_ARENA_MAX, 1),
        ):
            allocator.mallopt(option, value)


@contextmanager
def default_dtype_restored() -> Iterator[None]:
    """Set torch's default number type back at the end.

    Some models change it for the whole process (MACE takes float64), and the next
    model of the same process would load its weights in the wrong type.
    """
    torch = sys.modules.get("torch")
    before = torch.get_default_dtype() if torch else None
    try:
        yield
    finally:
        if torch := sys.modules.get("torch"):
            torch.set_default_dtype(before or torch.float32)


def stress_of(atoms: Atoms) -> NDArray[np.float64] | None:
    """Return the stress, GPa, above zero under tension, (3, 3); None if none is given.

    The kinetic part is left out.
    """
    try:
        return np.asarray(atoms.get_stress(voigt=False) / units.GPa)
    except (PropertyNotImplementedError, NotImplementedError):
        return None


def _version(package: str) -> str:
    """Return a package's version; of one that nobody numbers, what its source is."""
    installed = _namesake(package) or _found_by_content(package)
    if installed is None:
        return _source(package)
    if '"editable": true' in (installed.read_text("direct_url.json") or ""):
        return f"{installed.version}, {_source(package)}"
    return installed.version


def _namesake(package: str) -> Distribution | None:
    """Return the distribution of the package's own name, if both lie together."""
    spec = find_spec(package)
    if spec is None or not spec.has_location:
        return None
    try:
        named = distribution(package)
    except PackageNotFoundError:
        return None
    beside = Path(str(spec.origin)).is_relative_to(str(named.locate_file("")))
    return named if beside else None


@cache
def _found_by_content(package: str) -> Distribution | None:
    """Return the distribution that holds a package: a second, all files are read."""
    names = packages_distributions().get(package, [package])
    try:
        return distribution(names[0])
    except PackageNotFoundError:
        return None


def _source(package: str) -> str:
    """Return the hash of a module's file, or of all modules of a package."""
    spec = find_spec(package)
    if spec is None:
        return "unversioned"
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    if not files and spec.has_location:
        files = [Path(str(spec.origin))]
    told = "".join(f"{file.name} {file_digest(file)}\n" for file in files)
    return f"source {digest(told)[:16]}" if files else "unversioned"


@lru_cache(maxsize=8)
def _sha256(path: str) -> str:
    return file_digest(path)
