"""Rows of plain values as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ionface.errors import AnalysisError
from ionface.files import write_atomically


def rows_to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV; the columns are those of the first row, in its order.

    Numbers keep all their digits; None and NaN become empty fields.

    Raises:
        AnalysisError: there is no row, or one has other columns than the first.
    """
    buffer = io.StringIO(newline="")
    writer: csv.DictWriter[str] | None = None
    for number, row in enumerate(rows):
        if writer is None:
            writer = csv.DictWriter(buffer, list(row), lineterminator="\n")
            writer.writeheader()
        if odd := set(row) ^ set(writer.fieldnames):
            raise AnalysisError(
                f"row {number} and the first row differ in the columns {sorted(odd)}; "
                "one table has the same columns everywhere"
            )
        writer.writerow({name: _field(value) for name, value in row.items()})
    if writer is None:
        raise AnalysisError("a table without rows has no columns; nothing to write")
    return buffer.getvalue()


def write_csv(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows as CSV, in one piece.

    Raises:
        AnalysisError: as `rows_to_csv`, or the folder cannot be written.
    """
    return write_atomically(path, rows_to_csv(rows).encode())


def _field(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - NaN is no equal of itself
        return ""
    if isinstance(value, str):
        return value
    return repr(value.item() if hasattr(value, "item") else value)
