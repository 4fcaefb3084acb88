"""What an analysis leaves: JSON, and beside it a table as CSV and a figure as PNG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cli.console import messages

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_results(
    out: Path, text: str, rows: Iterable[Mapping[str, Any]], figure: Figure
) -> None:
    """Write the JSON at `out`, and the rows and the figure beside it.

    Raises:
        IonfaceError: `out` has the suffix of the table or of the figure.
    """
    from ionface.analysis.figures.style import png
    from ionface.analysis.tables_csv import write_csv

    if out.suffix in {".png", ".csv"}:
        raise IonfaceError(
            f"{out} names the JSON file; the table and the figure go beside it as "
            f"{out.with_suffix('.csv').name} and {out.with_suffix('.png').name}: give "
            f"--out {out.with_suffix('.json')}"
        )
    write_atomically(out, text)
    write_csv(out.with_suffix(".csv"), rows)
    write_atomically(out.with_suffix(".png"), png(figure))


def tell_written(out: Path) -> None:
    """Say which files were written."""
    beside = ", ".join(str(out.with_suffix(suffix)) for suffix in (".csv", ".png"))
    messages.print(f"wrote {out}, {beside}")
