"""What the command line, a study and the report need to know of one kind of result.

A new analysis is one `Kind`: the class of its result, the settings that a user may
choose, the function that computes it and what is shown of it. `kinds.register` makes it
a command, a name for `analyses:` in a study, and a section of the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any, get_args, get_origin, get_type_hints

from numpy.typing import ArrayLike

from ionface.analysis.pairs import parse_pair
from ionface.analysis.report.page import Statements, Table
from ionface.analysis.result import Result
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError

Progress = Callable[[int], None]
"""Called with the number of frames that are done since the last call."""


@dataclass(frozen=True)
class Crystal:
    """A crystal to compare with, at rest.

    Attributes:
        name: as legends call it.
        species: chemical symbol of each atom.
        lattice: rows are the cell vectors, Å, shape (3, 3).
        positions: Cartesian, Å, shape (n_atoms, 3).
    """

    name: str
    species: tuple[str, ...]
    lattice: ArrayLike
    positions: ArrayLike


def _nothing(result: Any) -> tuple[()]:
    del result
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of result: how it is made and how it is shown.

    Attributes:
        result: its class, which knows its name, its files and what draws it.
        title: heading of its section in the report.
        contents: what tells it in words and tables, on a terminal and in the report.
        caption: below its figure.
        settings: frozen dataclass of what a user may choose. Its fields are the flags
            of `ionface analyze` and the keys in a study; the lines of its docstring are
            their help. None for what is not computed from one trajectory.
        analyze: computes it; called with a trajectory, the settings and `progress`.
        running: makes what counts frames as they come, of (species, settings, pbc=,
            sources=, meta=) as a trajectory has them; it has `add(segment)` and
            `result()`. None if all frames are needed at once.
        highlights: (value, what it is), for the top of the report.
        beside: what compares the results of several subjects, by subject.
        film: animated GIF of a result; None where nothing moves.
    """

    result: type[Result]
    title: str
    contents: Callable[[Any], Sequence[Table | Statements]]
    caption: str = ""
    settings: type[Any] | None = None
    analyze: Callable[[Trajectory, Any, Progress | None], Result] | None = None
    running: Callable[..., Any] | None = None
    highlights: Callable[[Any], Sequence[tuple[str, str]]] = _nothing
    beside: Callable[[Mapping[str, Any]], Sequence[Table]] = _nothing
    film: Callable[[Any], bytes] | None = None

    @property
    def name(self) -> str:
        """Return what commands, studies and files call it."""
        return self.result.kind

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Return what a user may choose, in the order of the settings' fields."""
        return () if self.settings is None else options_of(self.settings)

    def configured(self, values: Mapping[str, Any]) -> Any:
        """Return the settings of plain values, as a study holds them.

        Raises:
            AnalysisError: a name is unknown or missing, or a value makes no sense.
        """
        names = {option.name for option in self.options}
        if self.settings is None:
            raise AnalysisError(f"{self.name} is no analysis of a trajectory")
        if unknown := sorted(values.keys() - names):
            raise AnalysisError(f"{self.name} has no {unknown}; have {sorted(names)}")
        required = {option.name for option in self.options if option.default is MISSING}
        if missing := sorted(required - values.keys()):
            raise AnalysisError(f"{self.name} needs {missing}; give them")
        given = {
            o.name: o.read(values[o.name]) for o in self.options if o.name in values
        }
        return self.settings(**given)

    def computed(
        self, trajectory: Trajectory, settings: Any, progress: Progress | None = None
    ) -> Result:
        """Return the result of a trajectory, which remembers its settings.

        Raises:
            AnalysisError: it is no analysis of a trajectory, or has none of this one.
        """
        if self.analyze is None:
            raise AnalysisError(f"{self.name} is no analysis of a trajectory")
        found = self.analyze(trajectory, settings, progress)
        return replace(found, settings=_told(settings))

    @staticmethod
    def species(settings: Any) -> set[str]:
        """Return the species that settings name: what a trajectory must have."""
        pairs = [pair.partition(":")[0] for pair in getattr(settings, "pairs", ())]
        named = getattr(settings, "species", ())
        return {*named, *(symbol for pair in pairs for symbol in parse_pair(pair))}


def _told(settings: Any) -> dict[str, Any]:
    """Return settings as plain values, crystals by their names."""
    each = {f.name: getattr(settings, f.name) for f in fields(settings)}
    return {
        name: [v.name if isinstance(v, Crystal) else v for v in value]
        if isinstance(value, tuple)
        else value
        for name, value in each.items()
    }


@dataclass(frozen=True)
class Option:
    """One thing that a user may choose.

    Attributes:
        name: of the field.
        type: of one value: float, int, str, bool or Crystal.
        many: the field is a tuple of such values.
        default: of the field; MISSING where there is none.
        help: what the docstring says of it.
    """

    name: str
    type: type[Any]
    many: bool
    default: Any
    help: str

    def read(self, value: Any) -> Any:
        """Return a plain value as the field holds it.

        Raises:
            AnalysisError: it is of another type.
        """
        if value is None or self.type is Crystal:
            return tuple(value) if self.many else value
        try:
            if not self.many:
                return self.type(value)
            each = [value] if isinstance(value, str | int | float) else value
            return tuple(self.type(item) for item in each)
        except (TypeError, ValueError) as error:
            raise AnalysisError(
                f"{self.name}={value!r} is no {self.type.__name__}; {self.help}"
            ) from error


def options_of(settings: type[Any]) -> tuple[Option, ...]:
    """Return the fields of a settings class with what its docstring says of them."""
    hints = get_type_hints(settings)
    told = attribute_lines(settings.__doc__ or "")
    return tuple(
        Option(
            f.name,
            *_type(hints[f.name]),
            f.default,
            told.get(f.name, ""),
        )
        for f in fields(settings)
    )


def _type(hint: Any) -> tuple[type[Any], bool]:
    """Return the type of one value, and whether there are many (tuple[str, ...])."""
    inner = [part for part in get_args(hint) if part not in (..., type(None))]
    return (inner or [hint])[0], get_origin(hint) is tuple


def attribute_lines(docstring: str) -> dict[str, str]:
    """Return the lines below "Attributes:" by name, each as one line."""
    _, _, section = docstring.partition("Attributes:\n")
    found = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
