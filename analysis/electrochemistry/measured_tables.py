"""Columns of measured tables: CSV as spreadsheets and instruments write it.

Delimiters are commas, semicolons, tabs or blanks; decimals have points, or commas where
columns are divided otherwise; lines before the numbers are a header, of which the last
one names the columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ionface.analysis.trajectory.frames import FloatArray
from ionface.errors import AnalysisError


@dataclass(frozen=True)
class MeasuredTable:
    """Numbers in columns.

    Attributes:
        names: of the columns as the file has them; empty if it names none.
        columns: shape (n_columns, n_rows).
        source: path of the file.
    """

    names: tuple[str, ...]
    columns: FloatArray
    source: str

    def quantity(
        self, patterns: Sequence[str], units: Mapping[str, float], what: str
    ) -> FloatArray:
        """Return a column in the first unit, found by the name that its header has.

        Args:
            patterns: regular expressions for the names without unit, best first.
            units: factor to the first unit, by the units' names.
            what: to call it in a message.

        Raises:
            AnalysisError: no such column, or a unit that is none of it.
        """
        found = self.optional(patterns, units)
        if found is None:
            raise AnalysisError(
                f"{self.source} has no column with the {what} in {' or '.join(units)}; "
                f"it has {list(self.names) or 'no header'}: name it in the header, as "
                f"in '{what} ({next(iter(units))})'"
            )
        return found

    def optional(
        self, patterns: Sequence[str], units: Mapping[str, float]
    ) -> FloatArray | None:
        """Return a column in the first unit; None if there is no such column."""
        for pattern in patterns:
            for name, column in zip(self.names, self.columns, strict=False):
                plain, unit = _split_unit(name)
                if re.fullmatch(pattern, plain, re.IGNORECASE) and unit in units:
                    return column * units[unit]
        return None


def read_table(path: str | Path) -> MeasuredTable:
    """Return the numbers of a text file.

    Raises:
        AnalysisError: there are none, or rows of different length.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_bytes().decode("latin-1")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    delimiter = _delimiter(lines)
    rows = [[_float(cell) for cell in _cells(line, delimiter)] for line in lines]
    numeric = [_is_numbers(row) for row in rows]
    if not any(numeric):
        raise AnalysisError(f"{path} holds no row of numbers; give a CSV table")
    first = numeric.index(True)
    for number, row in enumerate(rows[first:], first + 1):
        if len(row) != len(rows[first]) or not _is_numbers(row):
            raise AnalysisError(
                f"{path}, row {number}: {lines[number - 1][:60]!r} is no row of "
                f"{len(rows[first])} numbers as the first one; mend or remove it"
            )
    names = _cells(lines[first - 1].lstrip("# "), delimiter) if first else []
    whole = len(names) == len(rows[first])
    columns = np.array(rows[first:], dtype=np.float64).T
    return MeasuredTable(tuple(names) if whole else (), columns, str(path))


def _delimiter(lines: Sequence[str]) -> str:
    """Return what divides columns: what most lines have, in the order of certainty."""
    for candidate in (";", "\t", ","):
        if sum(candidate in line for line in lines) > len(lines) / 2:
            return candidate
    return " "


def _cells(line: str, delimiter: str) -> list[str]:
    parts = line.split() if delimiter == " " else line.split(delimiter)
    return [part.strip().strip('"') for part in parts]


def _float(cell: str) -> float | None:
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return None


def _is_numbers(row: Sequence[float | None]) -> bool:
    return len(row) > 1 and all(value is not None for value in row)


def _split_unit(name: str) -> tuple[str, str]:
    """Return name and unit of "σ (mS/cm)", "Z' / Ohm", "temperature_K" or "freq [Hz]".

    >>> _split_unit("Re(Z)/Ohm")
    ('Re(Z)', 'Ohm')
    """
    for pattern in (r"(.+?)\s*[(\[]([^()\[\]]+)[)\]]$", r"(.+?)\s*/\s*(.+)$",
                    r"(.+)_([^_]+)$"):  # fmt: skip
        if (match := re.match(pattern, name)) and match[2] not in ("Z", "z"):
            return match[1].strip(), match[2].strip().strip("()[]")
    return name.strip(), ""
