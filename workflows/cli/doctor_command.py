"""The command that looks at everything that ionface needs, here and on a cluster."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

import typer

from ionface.errors import IonfaceError, NotInstalledError
from ionface.plugins import added, added_by, loaded
from ionface.workflows.cli.app import app
from ionface.workflows.cli.console import job_progress, table
from ionface.workflows.cli.options import AsJson
from ionface.workflows.cli.wording import in_flags
from ionface.workflows.cluster.findings import Finding

if TYPE_CHECKING:
    from ionface.workflows.engines.contract import Engine

NEEDED = (
    "ase", "atomate2", "jobflow", "maggma", "numpy", "packmol", "pymatgen", "rdkit",
    "scipy",
)  # fmt: skip
OPTIONAL = {
    "torch": "mlip",
    "chgnet": "mlip",
    "sevenn": "mlip",
    "numba": "fast",
    "h5py": "fast",
    "gpaw": "dft",
    "gpaw-data": "dft",
    "custodian": "vasp",
    "fireworks": "cluster",
    "pymongo": "cluster",
}


MPI_PACKAGES = "apt install openmpi-bin libopenmpi-dev, before GPAW is built"


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show what is installed, configured and reachable."""
    with job_progress("doctor") as shown:
        shown.stage("packages and engines", 0, 2)
        checks = findings()
        shown.stage("cluster", 1, 2)
        checks += _cluster()
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in checks], indent=2))
    else:
        from rich.text import Text

        marks = {"ok": Text("ok", "green"), "missing": Text("absent", "yellow")}
        broken = Text("broken", "red")
        rows: list[list[str | Text]] = [
            [f.subject, marks.get(f.state, broken), f.detail, f.way_out] for f in checks
        ]
        table(["what", "", "detail", "what to do"], rows)
    raise typer.Exit(1 if any(each.state == "broken" for each in checks) else 0)


def _cluster() -> list[Finding]:
    from ionface.workflows.cluster.doctor import cluster_findings
    from ionface.workflows.cluster.settings import config_folder, is_configured

    if is_configured():
        return cluster_findings()
    way_out = "only needed for a cluster: ionface init-cluster"
    return [Finding("cluster", "missing", f"nothing in {config_folder()}", way_out)]


def findings() -> list[Finding]:
    """Return everything that can be examined without a network."""
    import platform

    from ionface.workflows.engines.cp2k.data_sets import INSTALL, PROGRAMS

    found = [
        Finding("python", "ok", f"{platform.python_version()}, {os.cpu_count()} cores")
    ]
    found += [_package(name, None) for name in NEEDED]
    found += [_package(name, extra) for name, extra in OPTIONAL.items()]
    found += [_checked("library", _library)]
    found += _potentials()
    found += [_added(entry) for entry in added("ionface.engines")]
    found += [_gpaw_libraries()]
    found += [_program("MPI", ("mpiexec",), "GPAW on several cores", MPI_PACKAGES)]
    found += [_program("CP2K", PROGRAMS, "the engine cp2k", INSTALL)]
    found += [_program("VASP", ("vasp_std", "vasp_gam", "vasp"), "VASP here", "")]
    found += [_potcars(), _disk()]
    return found


def _package(name: str, extra: str | None) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

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


def _potentials() -> list[Finding]:
    """Return what can be used of the potentials that have a name."""
    from ionface.workflows.engines.ase.named_potentials import potentials, pretrained

    found = []
    for name, facts in potentials().items():
        told = f"{facts.functional}, scale {facts.scale}, {facts.licence}"
        if facts.use != "results":
            told += f"; {facts.use} only"
        own = f"; own weights: --engine {name}:path"
        try:
            level = pretrained(name).level_of_theory()
        except NotInstalledError:
            carried = "" if facts.weights else own
            way_out = facts.install + carried
            found.append(Finding(f"engine {name}", "missing", told, way_out))
        except IonfaceError as error:
            broken = Finding(
                f"engine {name}", "broken", in_flags(str(error)), "see the message"
            )
            here = Finding(f"engine {name}", "ok", told + own)
            found.append(broken if facts.weights else here)
        else:
            told = f"{level.model}, {level.version}, {str(level.weights)[:12]}; {told}"
            found.append(Finding(f"engine {name}", "ok", told))
    return found


def _added(entry: EntryPoint) -> Finding:
    """Return what another package's engine says of itself, and if a job could start."""
    subject, package = f"engine {entry.name}", added_by(entry)
    try:
        engine: Engine = loaded(entry)()
        engine.check_start(engine.static(), here=True)
        level = engine.level_of_theory()
    except NotInstalledError as error:
        return Finding(subject, "missing", str(error), f"only needed for {entry.name}")
    except Exception as error:  # noqa: BLE001 - another's code fails in any way
        told = f"{error}" if isinstance(error, IonfaceError) else repr(error)
        return Finding(subject, "broken", told, f"mend or uninstall {package}")
    told = f"{level.code} {level.version}, {level.functional}; added by {package}"
    return Finding(subject, "ok", told)


def _gpaw_libraries() -> Finding:
    """Return which libraries GPAW has, or lacks to be built."""
    from ionface.workflows.engines.gpaw.libraries import PACKAGES, is_built, there

    subject, known = "libraries of GPAW", there()
    lacking = [name for name in PACKAGES if name not in known]
    told = "linked with" if is_built() else "here:"
    detail = f"{told} {', '.join(known) or 'none'}"
    if not lacking:
        return Finding(subject, "ok", detail)
    packages = " ".join(PACKAGES[name] for name in lacking)
    way_out = f"only needed for GPAW: apt install {packages}, before it is built"
    detail += f"; not {', '.join(lacking)}"
    return Finding(subject, "missing", detail, way_out)


def _program(subject: str, names: tuple[str, ...], use: str, install: str) -> Finding:
    """Return where a program is, or what it would be needed for and how to get it."""
    if path := next(filter(None, map(shutil.which, names)), None):
        return Finding(subject, "ok", path)
    way_out = f"only needed for {use}" + (f": {install}" if install else "")
    return Finding(subject, "missing", f"no {names[0]} on the PATH", way_out)


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
