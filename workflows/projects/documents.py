"""Which stored documents are decoded: those of ionface and of installed engines only.

Decoding imports what a document names, so a graph from elsewhere would be a program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.engines.registry import engine_packages

# what ionface itself writes into graphs and results
PACKAGES = ("ionface", "jobflow", "pymatgen", "monty", "numpy", "atomate2", "emmet")
FUNCTIONS = "ionface"
DATA = ("datetime", "pathlib", "uuid")  # modules of plain values that monty writes


def check_decodable(text: str, where: str) -> None:
    """Refuse JSON that names functions that are not ours, or foreign classes.

    Args:
        text: one JSON document, or one on each line.
        where: it stands, for messages.

    Raises:
        IonfaceError: it is no JSON, or names something else.
    """
    try:
        documents = [json.loads(text)]
    except ValueError:
        try:
            documents = [json.loads(line) for line in text.splitlines()]
        except ValueError as error:
            raise IonfaceError(
                f"{where} is damaged ({error}); put a backup in its place"
            ) from error
    ours = {FUNCTIONS, *engine_packages()}
    for name, function in _named(documents):
        package = name.partition(".")[0]
        if package not in (ours if function else {*ours, *PACKAGES, *DATA}):
            raise IonfaceError(
                f"{where} names {name!r}, which is none of ionface's own "
                f"{'functions' if function else 'classes'}; reading it would run it. "
                "It was not written by ionface: nothing was taken from it"
            )


def _named(documents: list[Any]) -> Iterator[tuple[str, bool]]:
    """Yield every module that decoding would import, and whether for a function."""
    stack = list(documents)
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if isinstance(module := item.get("@module"), str):
                yield module, "@callable" in item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
