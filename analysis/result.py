"""What every analysis returns: numbers that know their file, table and figure.

`Result` is the base of all of them, `Provenance` says what their numbers are worth. A
new kind of result is one frozen class: its values, their plain form, and the name of
the function that draws it.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from html import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ionface.analysis.tables_csv import write_csv
from ionface.errors import AnalysisError
from ionface.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from ionface.analysis.trajectory.trajectory import Trajectory

EMULATED = "EMULATED: numbers of a stand-in, no calculation"
QUICK = "QUICK: small models, short runs; a rehearsal"


Windows = tuple[tuple[float, float], ...]
"""First and last time of each window, fs; NaN where frames have no time."""


@dataclass(frozen=True)
class Provenance:
    """Where numbers come from, and so what they are worth.

    Decided once, where the run was made or read; every result carries it on.

    Attributes:
        level_of_theory: as `LevelOfTheory.as_dict`; None if the source does not tell.
        emulated: a stand-in made the numbers: no calculation.
        quick: small models and short runs: a rehearsal, no result.
        sources: the files.
    """

    level_of_theory: Mapping[str, Any] | None = None
    emulated: bool = False
    quick: bool = False
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, trajectory: Trajectory) -> Provenance:
        """Return what a trajectory's own records say (meta and sources)."""
        level = trajectory.meta.get("level_of_theory")
        return cls(
            level_of_theory=level,
            emulated=bool((level or {}).get("emulated")),
            quick=bool(trajectory.meta.get("quick")),
            sources=tuple(trajectory.sources),
        )

    @classmethod
    def joint(cls, provenances: Iterable[Provenance]) -> Provenance:
        """Return that of numbers which rest on several runs.

        The level is theirs where they share one; a single stand-in or rehearsal makes
        all of it one.
        """
        each = list(provenances)
        levels = [p.level_of_theory for p in each]
        shared = all(level == levels[0] for level in levels) if levels else False
        return cls(
            level_of_theory=levels[0] if shared else None,
            emulated=any(p.emulated for p in each),
            quick=any(p.quick for p in each),
            sources=tuple(dict.fromkeys(s for p in each for s in p.sources)),
        )

    @property
    def marks(self) -> tuple[str, ...]:
        """Return what must be said wherever the numbers are shown."""
        texts = ((self.emulated, EMULATED), (self.quick, QUICK))
        return tuple(text for true, text in texts if true)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the sources, and what is out of the ordinary."""
        warnings = {"emulated": self.emulated, "quick": self.quick}
        told: dict[str, Any] = {name: True for name, true in warnings.items() if true}
        if self.level_of_theory is not None:
            told["level_of_theory"] = plain(self.level_of_theory)
        return {**told, "sources": list(self.sources)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """Return what `as_dict` wrote, alone or among the values of a result."""
        return cls(
            level_of_theory=data.get("level_of_theory"),
            emulated=bool(data.get("emulated")),
            quick=bool(data.get("quick")),
            sources=tuple(data.get("sources") or ()),
        )


@dataclass(frozen=True, repr=False)
class Result(ABC):
    """Numbers that one analysis found.

    Subclasses are frozen dataclasses (with `repr=False`) that state the unit and the
    shape of each value and implement `values`, `restore`, `rows` and `summary`.

    Attributes:
        provenance: where the numbers come from.
        settings: what the analysis was asked for, as plain values; empty where it was
            called from Python.
    """

    kind: ClassVar[str]
    """Its name in files, studies and the report, as in "rdf"."""

    figure: ClassVar[str]
    """What draws it, as "module:function". A name instead of an import: figures know
    results, results know no figure, and matplotlib is loaded when one is drawn."""

    units: ClassVar[Mapping[str, str]] = {}
    """Of those values in the file whose names do not end in their unit, by name."""

    provenance: Provenance = field(default_factory=Provenance, kw_only=True)
    settings: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @abstractmethod
    def values(self) -> dict[str, Any]:
        """Return the values in plain JSON form, without their provenance."""

    @classmethod
    @abstractmethod
    def restore(cls, data: Mapping[str, Any], provenance: Provenance) -> Self:
        """Return the result of plain values; KeyError or TypeError if it is none."""

    @abstractmethod
    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a table; units stand in the columns' names."""

    @abstractmethod
    def summary(self) -> str:
        """Return what it says in a few words."""

    def __repr__(self) -> str:
        marks = {"EMULATED": self.provenance.emulated, "QUICK": self.provenance.quick}
        told = [self.summary(), *(mark for mark, true in marks.items() if true)]
        return f"{type(self).__name__}({', '.join(told)})"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what is unknown is null."""
        origin = self.provenance.as_dict()
        sources = {"sources": origin.pop("sources")}
        told = {"units": dict(self.units), "settings": plain(self.settings)}
        return {
            **origin,
            "kind": self.kind,
            "ionface": version("ionface"),
            **{name: value for name, value in told.items() if value},
            **self.values(),
            **sources,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the result that `as_dict` wrote.

        Raises:
            AnalysisError: this is no such result.
        """
        try:
            if data.get("kind", cls.kind) != cls.kind:
                raise KeyError(f"its kind is {data['kind']}")
            found = cls.restore(data, Provenance.from_dict(data))
            return replace(found, settings=data.get("settings") or {})
        except (
            AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError,
        ) as error:  # fmt: skip
            raise AnalysisError(
                f"this is no {cls.kind} result of ionface ({error!r}); make one with "
                f"`ionface analyze {cls.kind}`"
            ) from error

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the JSON file in one piece.

        Raises:
            AnalysisError: the folder cannot be written.
        """
        return write_atomically(path, json.dumps(self.as_dict(), indent=1).encode())

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as CSV, for a spreadsheet.

        Numbers of a stand-in or of a rehearsal have a column that says so.

        Raises:
            AnalysisError: the table has no row, or the folder cannot be written.
        """
        origin = self.provenance
        marks = {"emulated": origin.emulated, "quick": origin.quick}
        told = {name: True for name, true in marks.items() if true}
        return write_csv(path, ({**row, **told} for row in self.rows()))

    def to_pandas(self) -> DataFrame:
        """Return the table as a pandas DataFrame; units stand in the columns' names.

        Raises:
            AnalysisError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise AnalysisError(
                "pandas is not installed; `pip install pandas`, or use rows()"
            ) from error
        return pd.DataFrame(list(self.rows()))

    def _repr_html_(self) -> str:
        """Return figure and summary, as a notebook shows them."""
        from ionface.analysis.figures.pointer import drawn

        told = f"<p>{escape(repr(self))}</p>"
        try:
            figure = self.plot()
        except AnalysisError as error:  # nothing to draw
            return f"{told}<p>{escape(str(error))}</p>"
        width = f'style="max-width:{figure.get_figwidth():.1f}in"'
        return f"{told}<div {width}>{drawn(figure).svg}</div>"

    def plot(self, **options: Any) -> Figure:
        """Return a figure of it; options are those of the function that draws it."""
        module, _, function = self.figure.partition(":")
        drawn: Figure = getattr(import_module(module), function)(self, **options)
        return drawn


def plain(value: Any) -> Any:
    """Return a value as JSON has it.

    Arrays and tuples become lists, frozen classes mappings; what is not finite (NaN,
    an unbounded limit) becomes None, since JSON has no such numbers.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        values = value.astype(object)  # the only arrays that can hold None
        values[~np.isfinite(value)] = None
        return values.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    unknown = isinstance(value, float) and not np.isfinite(value)
    return None if unknown else value


def windows_of(data: Sequence[Sequence[float | None]]) -> Windows:
    """Return windows as they stand in a file."""
    times = np.array(data, dtype=np.float64).reshape(-1, 2)
    return tuple((float(start), float(end)) for start, end in times)


def number_of(value: float | None) -> float:
    """Return a number as it stands in a file; NaN where it is unknown."""
    return np.nan if value is None else float(value)
