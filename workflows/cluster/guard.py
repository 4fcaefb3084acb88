"""What is refused: names for a shell, paths outside a project, foreign modules.

A document of the database can name any class, which decoding would import; so raw
documents are looked through before anything decodes them. Nothing is ever unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError

SHELL = set(";&$`<>(){}[]*?!\\\"'\n\r\t\0~#")
QUEUE_VALUE = re.compile(r"[A-Za-z0-9._:,=@%/+ -]*")
TASK = "{{jobflow.managers.fireworks.JobFiretask}}"
PACKAGES = (
    "ionface",
    "jobflow",
    "atomate2",
    "pymatgen",
    "emmet",
    "monty",
    "numpy",
)
CALCULATORS = ("ase", "chgnet", "sevenn", "mace", "gpaw", "orb_models", "fairchem")
BUILTINS = frozenset({"datetime", "pathlib", "uuid"})  # what monty itself writes


def check_name(name: str, what: str) -> str:
    """Return a name without a character that a shell acts on.

    The dash of "LAGP|Li" is the field's sign for an interface; it is never handed on,
    since folders and queue jobs take `ionface.workflows.study.naming.slug` of a name.

    Raises:
        IonfaceError: with the character.
    """
    found = sorted(set(name) & SHELL)
    if found or name.startswith("-") or not name.strip():
        shown = repr(found[0]) if found else "a leading dash, or nothing"
        raise IonfaceError(
            f"{what} {name!r} holds {shown}, which a shell could act on; "
            "use letters, digits, spaces and . _ - | /"
        )
    return name


def check_queue_value(key: str, value: Any) -> Any:
    """Return a value that may stand in a batch script.

    Raises:
        IonfaceError: it could end its line or start a command.
    """
    if not QUEUE_VALUE.fullmatch(str(value)):
        raise IonfaceError(
            f"resource {key}: {value!r} may hold only letters, digits and . _ : , = @ "
            "% / + -, since it stands in a batch script"
        )
    return value


def check_inside(path: Path, root: Path, what: str) -> Path:
    """Return a path that lies in a folder, links followed.

    Raises:
        IonfaceError: it points elsewhere.
    """
    found = path.resolve()
    if not found.is_relative_to(root.resolve()):
        raise IonfaceError(
            f"{what} {path} lies outside {root}; nothing outside a project is read or "
            "written for it"
        )
    return found


def check_document(document: dict[str, Any], allow: Sequence[str] = ()) -> None:
    """Refuse a Firework that names anything but jobs of allowed packages.

    Args:
        document: as the database holds it, not decoded.
        allow: packages beyond ours, from the settings.

    Raises:
        IonfaceError: with what it names.
    """
    spec = document.get("spec") or {}
    who = f"Firework {document.get('fw_id')}"
    for task in spec.get("_tasks", []):
        if task.get("_fw_name") != TASK:
            raise IonfaceError(
                f"{who} holds a task {task.get('_fw_name')!r}; only jobs of jobflow "
                "are run here"
            )
    check_modules(spec, who, allow)


def check_modules(data: Any, who: str, allow: Sequence[str] = ()) -> None:
    """Refuse data that would import a module outside the allowed packages.

    Raises:
        IonfaceError: with the module.
    """
    packages = {*PACKAGES, *allow}
    for key, value in _named(data):
        package = str(value).partition(".")[0]
        calculator = key == "calculator"
        known = packages | set(CALCULATORS) if calculator else packages | BUILTINS
        if package not in known:
            raise IonfaceError(
                f"{who} names the module {value!r}, outside the allowed packages "
                f"({', '.join(sorted(known))}); if you trust it, add {package!r} to "
                "`allow` in ionface.yaml"
            )


def _named(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value that decoding would import."""
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            for key, value in item.items():
                if key in ("@module", "calculator") and isinstance(value, str):
                    if key == "@module" or "." in value:
                        yield key, value
                elif key == "_fw_name" and value != TASK:
                    yield key, value
                else:
                    stack.append(value)
        elif isinstance(item, list | tuple):
            stack.extend(item)
