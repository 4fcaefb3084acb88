"""The JSON Schema of study files: types from the classes, words from their docstrings.

Editors with a YAML language server complete and check a study by it.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from ionface.analysis.kind import attribute_lines
from ionface.workflows.study import study as of_studies


def study_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a study."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(of_studies.Study).json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    classes = _classes(of_studies.Study)
    for name, part in ({"Study": schema} | schema.get("$defs", {})).items():
        if name in classes:
            _describe(part, classes[name])
    return schema


def _describe(part: dict[str, Any], cls: type) -> None:
    told = attribute_lines(cls.__doc__ or "")
    for base in cls.__mro__[1:]:
        told = attribute_lines(base.__doc__ or "") | told
    part["description"] = (cls.__doc__ or "").partition("\n\n")[0]
    for key, value in part.get("properties", {}).items():
        if key in told:
            value["description"] = told[key]


def _classes(root: type) -> dict[str, type]:
    """Return a dataclass and all that its fields hold, by name."""
    from typing import get_args, get_type_hints

    found: dict[str, type] = {}
    waiting: list[Any] = [root]
    while waiting:
        hint = waiting.pop()
        if isinstance(hint, type) and is_dataclass(hint):
            if hint.__name__ not in found and fields(hint):
                found[hint.__name__] = hint
                waiting += get_type_hints(hint).values()
        else:
            waiting += get_args(hint)
    return found
