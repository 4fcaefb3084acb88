"""A project as one file, to carry where no database reaches; nothing lost on the way.

    manifest.json     digest and size of every file
    files/...         study, graph, runs with their results, trajectories

Every digest is checked before a file takes its place. What exists already must be the
same. POTCARs are never carried; wavefunctions and charge densities where asked for.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ionface.documents import check_names, read_json, text_of
from ionface.errors import IonfaceError
from ionface.files import (
    Closing,
    atomic_path,
    disk_message,
    file_digest,
    write_atomically,
)
from ionface.workflows.engines.durable import RESULT
from ionface.workflows.projects import runner
from ionface.workflows.projects.project import FOREIGN, MARK, Project

FORMAT = 2
MANIFEST = "manifest.json"
FILES = "files/"
CARRIED = ("study.yaml", "flow.json", "project.json", MARK, "report.html")
FOLDERS = ("inputs", "runs", "trajectories", "results")
NEVER = ("POTCAR",)  # licensed
LARGE = ("WAVECAR", "CHGCAR", "CHG", "vaspwave.h5", "LOCPOT")
HEAD_LIMIT = 1 << 26  # bytes; 400,000 files
SWELLS = 200  # times a bundle's size; outputs of runs swell tenfold, zeros thousandfold


@dataclass(frozen=True)
class Carried:
    """What went into a bundle or came out of it.

    Attributes:
        files: how many.
        results: of how many jobs.
        kept: how many files were there already, the same.
        left_out: names of files that were left out.
    """

    files: int
    results: int
    kept: int = 0
    left_out: tuple[str, ...] = ()


def export_bundle(root: Path, target: Path, *, wavefunctions: bool = False) -> Carried:
    """Write a project into a bundle; the file is whole or not there.

    Args:
        root: the project.
        target: *.tar, or *.tar.gz to have it compressed.
        wavefunctions: carry what VASP can make again, too.

    Raises:
        IonfaceError: no project, or the disk refuses.
    """
    project = Project.open(root)
    with project.locked():
        carried, left_out = _carried(project.root, wavefunctions)
        manifest = {
            "format": FORMAT,
            "files": {
                name: {"sha256": file_digest(path), "bytes": path.stat().st_size}
                for name, path in carried.items()
            },
        }
        packed = target.name.endswith(".gz")
        with atomic_path(target, mode=0o600) as part, _new_tar(part, packed) as tar:
            head = json.dumps(manifest, indent=1).encode()
            member = tarfile.TarInfo(MANIFEST)
            member.size, member.mode = len(head), 0o600
            tar.addfile(member, io.BytesIO(head))
            for name, path in carried.items():
                tar.add(path, FILES + name, recursive=False)
    results = sum(path.name == RESULT for path in carried.values())
    return Carried(len(carried), results, left_out=tuple(left_out))


def _new_tar(path: Path, packed: bool) -> tarfile.TarFile:
    # two names of one file (a trajectory and its hard link) are both carried whole: a
    # bundle holds no links
    if packed:
        return tarfile.open(path, "w:gz", dereference=True)
    return tarfile.open(path, "w", dereference=True)


def _carried(root: Path, wavefunctions: bool) -> tuple[dict[str, Path], list[str]]:
    places = [root / name for name in CARRIED]
    places += [path for name in FOLDERS for path in sorted((root / name).rglob("*"))]
    carried, left_out = {}, []
    for path in places:
        name = str(path.relative_to(root))
        licensed = path.name.startswith(NEVER) and path.name != "POTCAR.spec"
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        if licensed or (path.name in LARGE and not wavefunctions):
            left_out.append(name)
        else:
            carried[name] = path
    return carried, left_out


def import_bundle(source: Path, root: Path) -> Carried:
    """Take a bundle into a project, new or the one that it came from.

    Args:
        source: the bundle.
        root: the project; made if it is not there.

    Raises:
        IonfaceError: the bundle is damaged, names a path outside or code that is none
            of ours, or differs from what is there; then nothing of the project is
            changed but new whole files.
    """
    try:
        with _opened(source) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
            manifest = _manifest(tar, source)
            _check_size(manifest, source, root)
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            kept = [
                _take(tar, member, manifest, root, source)
                for member in tar
                if member.name != MANIFEST
            ]
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise IonfaceError(
            f"{source} is no whole bundle: {error}; copy it again"
        ) from error
    except OSError as error:
        raise IonfaceError(disk_message(error, source)) from error
    if manifest["files"]:
        raise IonfaceError(
            f"{source} lacks {len(manifest['files'])} files, the first is "
            f"{min(manifest['files'])}; copy it again"
        )
    project = Project.open(root)
    return Carried(len(kept), len(runner.take_results(project)), sum(kept))


class _Bounded(Closing):
    """A stream of which nobody takes more at once than a manifest needs.

    tarfile reads what a header calls an extension at once, however long it says it is.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close  # type: ignore[method-assign]

    def read(self, size: int) -> bytes:
        if not 0 <= size <= HEAD_LIMIT:
            raise tarfile.ReadError(f"a header of {size} bytes")
        data: bytes = self._stream.read(size)
        return data


def _opened(source: Path) -> Any:
    with source.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return _Bounded(gzip.open(source) if packed else source.open("rb"))


def _check_size(manifest: dict[str, Any], source: Path, root: Path) -> None:
    """Refuse a bundle that would fill the disk; none holds more than it says."""
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    near = next(path for path in (root, *root.absolute().parents) if path.exists())
    free, packed = shutil.disk_usage(near).free, source.stat().st_size
    if total > SWELLS * packed or total > free:
        raise IonfaceError(
            f"{source} of {packed / 1e6:.1f} MB would unpack to {total / 1e9:.3g} GB, "
            f"where {free / 1e9:.3g} GB are free and outputs of runs swell at most "
            f"{SWELLS}-fold; nothing was unpacked: free space, or have it made again"
        )


def _manifest(tar: tarfile.TarFile, source: Path) -> dict[str, Any]:
    first = tar.next()
    stream = tar.extractfile(first) if first and first.name == MANIFEST else None
    if stream is None:
        raise IonfaceError(f"{source} is no bundle of ionface (no {MANIFEST} in it)")
    try:
        text = stream.read(HEAD_LIMIT).decode()
        manifest: dict[str, Any] = read_json(text, f"{source}: {MANIFEST}")
        entries = [
            (str(entry["sha256"]), int(entry["bytes"]))
            for entry in manifest["files"].values()
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IonfaceError(f"{source}: its {MANIFEST} is damaged") from error
    if manifest.get("format") != FORMAT or not entries:
        raise IonfaceError(
            f"{source} has format {manifest.get('format')}, this ionface reads "
            f"{FORMAT}; install the one that wrote it"
        )
    return manifest


def _take(
    tar: tarfile.TarFile,
    member: tarfile.TarInfo,
    manifest: dict[str, Any],
    root: Path,
    source: Path,
) -> bool:
    """Write one file if it is not there; tell whether it was.

    The file is struck from the manifest, so that at the end nothing is left in it.
    """
    name = member.name.removeprefix(FILES)
    inside = name in CARRIED or name.startswith(tuple(f"{x}/" for x in FOLDERS))
    entry = manifest["files"].pop(name, None)
    # a name with .. leads out of the folders that are carried, or to a file that is
    # looked at by another name, as runs/../project.json
    inside &= os.path.normpath(name) == name
    whole = entry is not None and member.isreg() and member.size == entry["bytes"]
    if not whole or not inside:
        raise IonfaceError(
            f"{source} holds {member.name!r}, which is no plain file of its "
            f"{MANIFEST}; it was not made by ionface"
        )
    target = root / name
    if target.is_file():
        if file_digest(target) == entry["sha256"]:
            return True
        raise IonfaceError(
            f"{target} differs from the one in {source}; nothing is replaced: move it "
            "away, or give another `project`"
        )
    if name == "project.json":  # from here on the folder is a project
        write_atomically(root / FOREIGN, f"the bundle {source.resolve()}")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic_path(target, mode=0o600) as part:
        stream = tar.extractfile(member)
        with part.open("wb") as out:
            while stream and (block := stream.read(1 << 20)):
                out.write(block)
        if file_digest(part) != entry["sha256"]:
            raise IonfaceError(f"{source}: {name} is damaged; copy the bundle again")
        if name == "flow.json" or target.name == RESULT:
            _check_document(part, name, f"{source}: {name}")
    return False


def _check_document(path: Path, name: str, where: str) -> None:
    """Refuse a graph or a result that names what is none of ours."""
    text = text_of(path)
    for document in text.splitlines() if name.endswith(RESULT) else [text]:
        check_names(read_json(document, where), where)
