"""A bundle opened: every digest is checked before a file takes its place."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

from ionface.errors import IonfaceError
from ionface.files import atomic_path, digest, disk_message, file_digest
from ionface.workflows.cluster.bundles import (
    CHUNK,
    DOCUMENTS,
    FILES,
    FORMAT,
    HEAD_LIMIT,
    MANIFEST,
    TOP,
    Carried,
    document_digest,
    stores,
)
from ionface.workflows.cluster.guard import check_inside
from ionface.workflows.projects.project import Project


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
            if digest(documents) != told["documents"]["sha256"]:
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


def _place(stream: Any, target: Path, expected: str, source: Path) -> int:
    """Write one file if it is not there; return 1 if it was."""
    if target.is_file():
        if file_digest(target) == expected:
            return 1
        raise IonfaceError(
            f"{target} differs from the one in {source}; nothing is replaced: move it "
            "away, or give another --project"
        )
    with atomic_path(target, mode=0o600) as part:
        with part.open("wb") as out:
            shutil.copyfileobj(stream, out, CHUNK)
        if file_digest(part) != expected:
            raise IonfaceError(
                f"{source}: {target.name} is damaged; copy the bundle again"
            )
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
