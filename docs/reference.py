"""Pages of the site that are made from the code: commands, study keys, Python, changes.

mkdocs calls `on_files` as a hook (mkdocs.yml).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import ionface
from ionface.analysis.kinds import kinds
from ionface.workflows.cli.manual import pages
from ionface.workflows.study.study_schema import study_schema

ROOT = Path(__file__).parent.parent
ABOUT_COMMANDS = """\
# Commands

Made from the program; `make man` writes them for `man`.

The exit status is 0 where all went well, 2 where the command was not understood, and 1
where a computation or its input failed. It is 1, too, of `ionface status` where a job
failed or is lost, of `ionface doctor` where something is broken, and of
`ionface analyze checks` where a run is doubtful.

`--json` prints the result on stdout and nothing else; what is said besides goes to
stderr. Unknown numbers are null."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    made = {
        "commands.md": commands(),
        "study-keys.md": study_keys(),
        "result-files.md": result_files(),
        "api.md": api(),
        "changelog.md": changelog(),
    }
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def commands() -> str:
    """Return what `--help` says of every command."""
    parts = [ABOUT_COMMANDS]
    parts += [f"## {name}\n\n```text\n{text}\n```" for name, text in pages()]
    return "\n\n".join(parts)


def study_keys() -> str:
    """Return every key of a study file, with its type, default and meaning."""
    schema = study_schema()
    parts = [
        "# Study keys\n\nMade from the code: [studies](studies.md) explains how they "
        "work together. `ionface schema` prints the JSON Schema, by which editors with "
        "a YAML language server complete and check a study."
    ]
    for name, part in ({"Study": schema} | schema["$defs"]).items():
        if rows := [*_rows(part)]:
            head = "| key | type | default | meaning |\n|---|---|---|---|"
            told = f"{part.get('description', '')}\n\n{head}\n" + "\n".join(rows)
            parts.append(f"## {name}\n\n{told}")
    return "\n\n".join(parts)


def _rows(part: dict[str, Any]) -> Iterator[str]:
    for key, value in part.get("properties", {}).items():
        needed = key in part.get("required", ())
        default = "required" if needed else _shown(value)
        told = value.get("description", "").replace("|", "\\|")
        yield f"| `{key}` | {_kind(value)} | {default} | {told} |"


def _shown(value: dict[str, Any]) -> str:
    """Return the default of a key; what is made of a class has those of its table."""
    if "default" not in value:
        return "those of its table"
    default = value["default"]
    if default in (None, [], {}, ""):
        return "none"
    return f"`{default}`".replace("|", "\\|")


def _kind(value: dict[str, Any]) -> str:
    """Return the type of a value in words; classes as links to their tables."""
    if reference := value.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := value.get("enum"):
        return ", ".join(f"`{choice}`" for choice in choices)
    if "const" in value:
        return f"`{value['const']}`"
    if branches := value.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_kind, branches)))
    kind: str = value.get("type", "any")
    if kind == "array":
        return f"list of {_kind(value['items'])}" if "items" in value else "list"
    return {"null": "nothing", "object": "mapping", "string": "word"}.get(kind, kind)


def api() -> str:
    """Return the public names of Python, by where they are written."""
    parts = [
        "# Python\n\n`import ionface` gives these names, each loaded when first used."
    ]
    parts += [
        f"::: ionface.{home.replace(':', '.')}"
        for _, home in sorted(ionface._HOMES.items())
    ]
    return "\n\n".join(parts)


ABOUT_RESULTS = """\
# Result files

Every analysis writes `NAME.json`, `NAME.csv` and `NAME.png`; `--json` prints the first.
Each JSON object has

| key | what |
|---|---|
| `kind` | name of the analysis, which says what else there is |
| `sources` | files that the numbers come from |
| `level_of_theory` | code, version, functional, model, hash of weights, where known |
| `emulated`, `quick` | true of a stand-in's numbers, of a rehearsal's; else absent |

and the values of the classes below. A key that carries a unit, as `ea_ev` does, is in
that unit, any other as told here; what is unknown is null, arrays are lists. In Python,
`Class.from_dict(json.load(file))` gives the object back."""

SHOWN = "options: {members: false, show_root_heading: false, heading_level: 3}"


def result_files() -> str:
    """Return what each kind of result holds."""
    parts = [ABOUT_RESULTS]
    for name, kind in kinds().items():
        home = f"{kind.result.__module__}.{kind.result.__qualname__}"
        parts.append(f"## {name}\n\n{kind.title}.\n\n::: {home}\n    {SHOWN}")
    return "\n\n".join(parts)


def changelog() -> str:
    """Return the changelog, with its links as they are within the site."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").replace("](docs/", "](")
