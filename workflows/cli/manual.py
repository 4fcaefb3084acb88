"""The help of all commands, for a page of `man` and for the documentation.

python -m ionface.workflows.cli.manual > ionface.1
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer

from ionface.workflows.cli import app

WIDTH = 88  # of help texts, wherever they are made


def pages() -> Iterator[tuple[str, str]]:
    """Yield each command, as in "ionface analyze rdf", and what its --help says."""
    yield from _pages(typer.main.get_command(app), "ionface", None)


def _pages(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    # typer brings its own click: contexts are those of the command's class
    context = command.context_class(
        command,
        info_name=name.rpartition(" ")[2],
        parent=parent,
        max_content_width=WIDTH,
        terminal_width=WIDTH,
    )
    yield name, command.get_help(context)
    for each in getattr(command, "list_commands", lambda _: [])(context):
        inner = command.get_command(context, each)
        if inner is not None:
            yield from _pages(inner, f"{name} {each}", context)


def roff() -> str:
    """Return the manual page, in the language of `man`."""
    parts = [
        ".TH IONFACE 1\n.SH NAME\n"
        "ionface \\- solid-state-battery interfaces from first principles"
    ]
    for name, text in pages():
        safe = text.replace("\\", "\\e").replace("-", "\\-")
        body = "\n".join("\\&" + line for line in safe.splitlines())
        parts.append(f".SH {name.upper()}\n.nf\n{body}\n.fi")
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(roff())
