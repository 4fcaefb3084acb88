"""`ionface doctor`: what is installed and working, and what to do about the rest."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import typer

from ionface.errors import IonfaceError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what.
        state: "ok", "missing" (an option not installed) or "broken".
        detail: version, path or reason.
        way_out: what to do, where there is something to do.
    """

    subject: str
    state: str
    detail: str
    way_out: str = ""


NEEDED = ("ase", "atomate2", "jobflow", "maggma", "numpy", "pymatgen", "rdkit", "scipy")
OPTIONAL = {
    "torch": "mlip",
    "chgnet": "mlip",
    "sevenn": "mlip",
    "custodian": "vasp",
    "fireworks": "cluster",
    "pymongo": "cluster",
}


def findings() -> list[Finding]:
    """Return everything that can be examined without a network."""
    found = [
        Finding("python", "ok", f"{platform.python_version()}, {os.cpu_count()} cores")
    ]
    found += [_package(name, None) for name in NEEDED]
    found += [_package(name, extra) for name, extra in OPTIONAL.items()]
    found += [_checked("library", _library)]
    found += [
        _checked(f"engine {name}", _engine(name)) for name in ("sevennet", "chgnet")
    ]
    found += [_vasp(), _potcars(), _disk()]
    return found


def examine(as_json: bool) -> int:
    """Print all findings; return 1 if something needed is broken."""
    found = findings()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        _print_table(found)
    return 1 if any(finding.state == "broken" for finding in found) else 0


def _print_table(found: list[Finding]) -> None:
    from ionface.workflows.cli.console import table

    marks = {"ok": "[green]ok[/]", "missing": "[yellow]absent[/]"}
    table(
        ["what", "", "detail", "what to do"],
        [
            [f.subject, marks.get(f.state, "[red]broken[/]"), f.detail, f.way_out]
            for f in found
        ],
    )


def _package(name: str, extra: str | None) -> Finding:
    try:
        return Finding(name, "ok", version(name))
    except PackageNotFoundError:
        if extra is None:
            return Finding(name, "broken", "not installed", "pip install ionface")
        return Finding(
            name, "missing", "not installed", f"pip install 'ionface[{extra}]'"
        )


def _checked(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, "ok", look())
    except (IonfaceError, ValueError, OSError) as error:
        return Finding(subject, "broken", str(error), "see the message")


def _library() -> str:
    from ionface.structures.crystals.library import materials

    return f"{len(materials())} crystals"


def _engine(name: str) -> Callable[[], str]:
    def look() -> str:
        from ionface.workflows.engines.registry import engine

        level = engine(name).level_of_theory()
        return f"{level.model}, {level.code} {level.version}, {str(level.weights)[:12]}"

    return look


def _vasp() -> Finding:
    names = ("vasp_std", "vasp_gam", "vasp")
    if path := next(filter(None, map(shutil.which, names)), None):
        return Finding("VASP", "ok", path)
    return Finding(
        "VASP", "missing", "no vasp_std on the PATH", "only needed to run VASP here"
    )


def _potcars() -> Finding:
    from pymatgen.core import SETTINGS

    if path := SETTINGS.get("PMG_VASP_PSP_DIR"):
        return Finding("POTCARs", "ok", str(path))
    return Finding(
        "POTCARs",
        "missing",
        "PMG_VASP_PSP_DIR is not set",
        "only needed for VASP: pmg config -p <your POTCARs> <target>",
    )


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    state = "ok" if free > 1 else "broken"
    return Finding(
        "disk here", state, f"{free:.1f} GB free", "" if free > 1 else "free space"
    )
