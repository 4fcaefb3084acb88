"""Writes what is known of every named potential into docs/potentials.md.

    ionface yardstick sevennet sevennet-l3i5 sevennet-mf chgnet nep89:nep89.txt
    python benchmarks/yardstick.py yardstick.json

The table of facts is read from potentials.yaml, errors are those of the result, with
potentials called by their names alone. The figure goes to docs/yardstick.png.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

from ionface.analysis.figures.style import png
from ionface.analysis.report.page import Table
from ionface.analysis.report.yardstick_tables import yardstick_contents
from ionface.analysis.yardstick.yardstick import Yardstick
from ionface.workflows.engines.ase.named_potentials import potentials

DOCS = Path(__file__).parents[1] / "docs"


def markdown(table: Table) -> str:
    """Return a table as Markdown."""
    lines = [table.header, ["---"] * len(table.header), *table.rows]
    text = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)
    return f"{text}\n\n{table.caption}" if table.caption else text


def facts() -> Table:
    """Return what is known of every potential."""
    rows = [
        [f"`{name}`", f.model, f.functional, f.scale, f.elements or "its weights'",
         "in the wheel" if f.weights else "your own", f.licence, f.use]
        for name, f in potentials().items()
    ]  # fmt: skip
    header = [
        "engine", "model", "functional of its data", "scale", "elements", "weights",
        "licence", "for",
    ]  # fmt: skip
    return Table(header, rows)


def put(page: Path, name: str, text: str) -> None:
    """Replace what stands between two marks of a page."""
    begin, end = f"<!-- {name} -->", f"<!-- end {name} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    whole = page.read_text("utf-8")
    new = f"{begin}\n{text}\n{end}"
    page.write_text(re.sub(pattern, lambda _: new, whole, flags=re.DOTALL), "utf-8")


def main() -> None:
    """Write both tables and the figure."""
    result = Yardstick.from_dict(json.loads(Path(sys.argv[1]).read_text()))
    called = [replace(j, engine=j.engine.partition(":")[0]) for j in result.judgements]
    result = replace(result, judgements=tuple(called))
    page = DOCS / "potentials.md"
    put(page, "facts", markdown(facts()))
    tables = map(markdown, yardstick_contents(result))
    put(page, "yardstick", "\n\n".join(tables))
    (DOCS / "yardstick.png").write_bytes(png(result.plot(), dpi=110))


if __name__ == "__main__":
    main()
