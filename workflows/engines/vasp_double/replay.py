"""A registry of recorded runs: record real ones, and give their outputs again.

    REGISTRY/<digest of the inputs>/key.json     what the inputs were
                                    entry.json   command, status, files left out
                                    files/       the outputs
                                    stdout, stderr

An entry appears whole, by one rename; who comes second leaves the first one alone.
No pseudopotential's text is kept.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.keys import differences, digest, key_of
from ionface.workflows.engines.vasp_double.licensed import copy_without_potcar

INPUTS = ("INCAR", "KPOINTS", "POSCAR", "STOPCAR", "vasp.out", "std_err.txt")
LARGE = ("WAVECAR", "CHGCAR", "CHG", "AECCAR", "LOCPOT", "ELFCAR", "PARCHG")
LIMIT_MB = 10.0
OURS = ("IONFACE_VASP_RECORD", "IONFACE_VASP_MODE")  # not for the command
SHOWN = 12  # differences


def record(
    folder: Path, registry: Path, command: Sequence[str], limit_mb: float = LIMIT_MB
) -> int:
    """Run a command in a folder, keep what it wrote, and return its status.

    Args:
        folder: with the inputs.
        registry: made if it is not there.
        command: as in ("mpirun", "-n", "64", "vasp_std").
        limit_mb: volumetric files and wave functions above this size are left out.

    Raises:
        InputError: the inputs cannot be read, or the command cannot be started.
    """
    key = key_of(folder)
    before = _stamps(folder)
    registry.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".recording-", dir=registry) as scratch:
        entry = Path(scratch) / "entry"
        (entry / "files").mkdir(parents=True)
        status = _run(folder, command, entry)
        changed = [p for p, stamp in _stamps(folder).items() if before.get(p) != stamp]
        left_out = _keep(changed, entry / "files", limit_mb)
        told = {
            "command": list(command),
            "status": status,
            "recorded": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "left_out": left_out,
        }
        (entry / "key.json").write_text(json.dumps(key, indent=1))
        (entry / "entry.json").write_text(json.dumps(told, indent=1))
        _publish(entry, registry / digest(key))
    return status


def replay(folder: Path, registry: Path) -> int:
    """Write the outputs that were recorded for a folder's inputs; return the status.

    Raises:
        InputError: nothing was recorded for them; the message tells what differs
            from the nearest recording.
    """
    key = key_of(folder)
    entry = registry / digest(key)
    if not (entry / "entry.json").is_file():
        raise InputError(_miss(key, registry))
    told = json.loads((entry / "entry.json").read_text())
    for source in sorted((entry / "files").iterdir()):
        _copy(source, folder / source.name)
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        stream.write((entry / name).read_text(errors="replace"))
        stream.flush()
    return int(told["status"])


def _run(folder: Path, command: Sequence[str], entry: Path) -> int:
    """Run the command; what it prints goes on and is kept."""
    try:
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={k: v for k, v in os.environ.items() if k not in OURS},
        )
    except OSError as error:
        raise InputError(f"cannot start {command[0]}: {error.strerror}") from error
    previous = signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        assert child.stdout is not None
        assert child.stderr is not None
        pipes = [
            Thread(target=_tee, args=(child.stdout, sys.stdout, entry / "stdout")),
            Thread(target=_tee, args=(child.stderr, sys.stderr, entry / "stderr")),
        ]
        for pipe in pipes:
            pipe.start()
        for pipe in pipes:
            pipe.join()
        return child.wait()
    finally:
        signal.signal(signal.SIGTERM, previous)


def _tee(source: BinaryIO, console: Any, path: Path) -> None:
    with source, path.open("wb") as kept:
        while chunk := os.read(source.fileno(), 65536):
            kept.write(chunk)
            console.write(chunk.decode(errors="replace"))
            console.flush()


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return size and time of every file that may be an output."""
    found = {}
    for path in folder.iterdir():
        is_input = path.name in INPUTS or path.name.startswith(("POTCAR", "."))
        if path.is_file() and not is_input:
            stat = path.stat()
            found[path] = (stat.st_size, stat.st_mtime_ns)
    return found


def _keep(paths: Sequence[Path], target: Path, limit_mb: float) -> dict[str, str]:
    """Copy outputs; return why any was left out."""
    left_out = {}
    for path in paths:
        size = path.stat().st_size / 1e6
        if path.name.startswith(LARGE) and size > limit_mb:
            left_out[path.name] = f"{size:.1f} MB, above {limit_mb:g} MB"
        elif reason := copy_without_potcar(path, target / path.name):
            left_out[path.name] = reason
    return left_out


def _publish(entry: Path, place: Path) -> None:
    try:
        entry.rename(place)
    except OSError:
        if not (place / "entry.json").is_file():
            raise


def _copy(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    shutil.copyfile(source, part)
    part.replace(target)


def _miss(key: dict[str, Any], registry: Path) -> str:
    nearest: tuple[int, str, list[str]] | None = None
    for path in sorted(registry.glob("[!.]*/key.json")):
        found = list(differences(key, json.loads(path.read_text())))
        if nearest is None or len(found) < nearest[0]:
            nearest = len(found), path.parent.name, found
    if nearest is None:
        return f"no run is recorded in {registry}; record one with --record COMMAND"
    count, name, found = nearest
    shown = "\n  ".join(found[:SHOWN])
    more = f"\n  and {count - SHOWN} more" if count > SHOWN else ""
    return (
        f"no run with these inputs is recorded in {registry}; the nearest, "
        f"{name[:12]}, differs in {count}:\n  {shown}{more}\n"
        "record this one with --record COMMAND, or use --mode emulate"
    )
