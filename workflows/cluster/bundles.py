"""A project as one file, to carry where no database reaches; nothing lost on the way.

    manifest.json     digest and size of every file, and of every document
    documents.jsonl   what the project's store holds
    files/...         study, graph, runs, trajectories, results

Every digest is checked before a file takes its place. What exists already must be the
same. POTCARs are never carried; wavefunctions and charge densities where asked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from workflows.cluster.guard import check_inside
from workflows.errors import IonfaceError
from workflows.project import Project, disk_message

if TYPE_CHECKING:
    from maggma.core import Store

FORMAT = 1
MANIFEST = "manifest.json"
DOCUMENTS = "documents.jsonl"
FILES = "files/"
TOP = frozenset(
    {
        "study.yaml",
        "flow.json",
        "project.json",
        "submission.json",
        "report.html",
        "runs",
        "trajectories",
        "results",
    }
)
NEVER = ("POTCAR",)  # licensed
LARGE = ("WAVECAR", "CHGCAR", "CHG", "vaspwave.h5", "LOCPOT")
CHUNK = 1 << 20
HEAD_LIMIT = 1 << 30


@dataclass(frozen=True)
class Carried:
    """What went into a bundle or came out of it.

    Attributes:
        files: how many.
        documents: how many.
        kept: how many of both were there already, the same.
        left: names of files that were left out.
    """

    files: int
    documents: int
    kept: int = 0
    left: tuple[str, ...] = ()


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
        chosen, left = _chosen(project.root, wavefunctions)
        documents = b"".join(_lines(project))
        part = target.with_name(target.name + ".part")
        try:
            _write(project.root, part, target, chosen, documents)
            part.replace(target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise IonfaceError(disk_message(error, target)) from error
    return Carried(len(chosen), documents.count(b"\n"), left=tuple(left))


def _chosen(root: Path, wavefunctions: bool) -> tuple[list[Path], list[str]]:
    chosen, left = [], []
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        if inner.parts[0] not in TOP or path.is_symlink() or not path.is_file():
            continue
        out = path.name.startswith(NEVER) and path.name != "POTCAR.spec"
        if out or (path.name in LARGE and not wavefunctions):
            left.append(str(inner))
        elif not path.name.endswith(".part"):
            chosen.append(path)
    return chosen, left


def _lines(project: Project) -> Iterator[bytes]:
    from bson import json_util

    for name, store in stores(project).items():
        for document in store.query({}):
            document.pop("_id", None)
            body = {"store": name, "document": document}
            yield json_util.dumps(body, sort_keys=True).encode() + b"\n"


def stores(project: Project) -> dict[str, Store]:
    """Return a project's stores by name."""
    found = {"docs": project.store.docs_store}
    return {**found, **project.store.additional_stores}


def _write(
    root: Path, part: Path, target: Path, chosen: list[Path], documents: bytes
) -> None:
    told = {
        "format": FORMAT,
        "documents": {"sha256": _digest(documents), "bytes": len(documents)},
        "files": {
            str(path.relative_to(root)): {
                "sha256": file_digest(path),
                "bytes": path.stat().st_size,
            }
            for path in chosen
        },
    }
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    packed = target.name.endswith(".gz")
    with os.fdopen(handle, "wb") as stream:
        with tarfile.open(fileobj=stream, mode="w:gz" if packed else "w") as tar:
            _add(tar, MANIFEST, json.dumps(told, indent=1).encode())
            _add(tar, DOCUMENTS, documents)
            for path in chosen:
                tar.add(path, FILES + str(path.relative_to(root)), recursive=False)
        stream.flush()
        os.fsync(stream.fileno())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def import_bundle(source: Path, root: Path) -> Carried:
    """Take a bundle into a project, new or the one that it came from.

    Args:
        source: the bundle.
        root: the project; made if it is not there.

    Raises:
        IonfaceError: the bundle is damaged, names a path outside, or differs from what
            is there; then nothing of the project is changed but new whole files.
    """
    try:
        with tarfile.open(source) as tar:
            told = _manifest(tar, source)
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            documents, files, kept = _unpack(tar, told, root, source)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise IonfaceError(disk_message(error, source)) from error
        raise IonfaceError(
            f"{source} is no whole bundle: {error}; copy it again"
        ) from error
    if missing := sorted(set(told["files"]) - files):
        raise IonfaceError(
            f"{source} lacks {len(missing)} files, the first is {missing[0]}; "
            "copy it again"
        )
    project = Project.open(root)
    number, same = _take_documents(project, documents, source)
    return Carried(len(files), number, kept + same)


def _manifest(tar: tarfile.TarFile, source: Path) -> dict[str, Any]:
    first = tar.next()
    stream = tar.extractfile(first) if first and first.name == MANIFEST else None
    if stream is None:
        raise IonfaceError(f"{source} is no bundle of ionface (no {MANIFEST} in it)")
    try:
        told: dict[str, Any] = json.loads(stream.read(HEAD_LIMIT))
        if told["format"] != FORMAT:
            raise IonfaceError(
                f"{source} has format {told['format']}, this ionface reads {FORMAT}; "
                "install the one that wrote it"
            )
        for name, entry in told["files"].items():
            _check_member(str(name), source)
            if not isinstance(entry["sha256"], str):
                raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IonfaceError(f"{source}: its {MANIFEST} is damaged") from error
    return told


def _check_member(name: str, source: Path) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.parts[0] not in TOP:
        raise IonfaceError(
            f"{source} names the file {name!r}, which lies outside a project; it was "
            "not made by ionface: nothing was taken from it"
        )


def _unpack(
    tar: tarfile.TarFile, told: dict[str, Any], root: Path, source: Path
) -> tuple[bytes, set[str], int]:
    documents, files, kept = b"", set(), 0
    for member in tar:
        if member.name == MANIFEST:
            continue
        stream = tar.extractfile(member) if member.isreg() else None
        if stream is None:
            raise IonfaceError(
                f"{source} holds {member.name!r}, which is no plain file; it was not "
                "made by ionface"
            )
        if member.name == DOCUMENTS:
            documents = stream.read(HEAD_LIMIT)
            if _digest(documents) != told["documents"]["sha256"]:
                raise IonfaceError(
                    f"{source}: its documents are damaged; copy it again"
                )
            continue
        name = member.name.removeprefix(FILES)
        _check_member(name, source)
        if name not in told["files"]:
            raise IonfaceError(f"{source}: {name!r} is not in its {MANIFEST}")
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_inside(target, root, "the bundle's file")
        kept += _place(stream, target, told["files"][name]["sha256"], source)
        files.add(name)
    return documents, files, kept


def _place(stream: Any, target: Path, digest: str, source: Path) -> int:
    """Write one file if it is not there; return 1 if it was."""
    if target.is_file():
        if file_digest(target) == digest:
            return 1
        raise IonfaceError(
            f"{target} differs from the one in {source}; nothing is replaced: move it "
            "away, or give another --project"
        )
    part = target.with_name(target.name + ".part")
    found = hashlib.sha256()
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    if found.hexdigest() != digest:
        part.unlink()
        raise IonfaceError(f"{source}: {target.name} is damaged; copy the bundle again")
    part.replace(target)
    return 0


def _take_documents(project: Project, data: bytes, source: Path) -> tuple[int, int]:
    """Put documents into the project's store; return how many, and how many were there.

    Raises:
        IonfaceError: a job has another result there.
    """
    from bson import json_util

    known = stores(project)
    number = same = 0
    for line in data.splitlines():
        entry = json_util.loads(line)
        store, document = known.get(entry["store"]), entry["document"]
        if store is None:
            raise IonfaceError(f"{source}: a project has no store {entry['store']!r}")
        docs = entry["store"] == "docs"
        key = ["uuid", "index"] if docs else ["blob_uuid"]
        before = store.query_one({name: document[name] for name in key})
        number += 1
        if before is None:
            store.update([document], key=key)
        elif document_digest(before) == document_digest(document):
            same += 1
        else:
            raise IonfaceError(
                f"{source}: job {document.get('name')!r} has another result in "
                f"{project.root}; two runs are never mixed: give another --project"
            )
    return number, same


def document_digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a document, whatever the database adds to it."""
    from bson import json_util

    plain = {key: value for key, value in document.items() if key != "_id"}
    return _digest(json_util.dumps(plain, sort_keys=True).encode())
