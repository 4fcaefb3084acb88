"""A project as one file, to carry where no database reaches; nothing lost on the way.

    manifest.json     digest and size of every file, and of every document
    documents.jsonl   what the project's store holds
    files/...         study, graph, runs, trajectories, results

Every digest is checked before a file takes its place. What exists already must be the
same. POTCARs are never carried; wavefunctions and charge densities where asked for.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionface.files import atomic_path, digest, file_digest
from ionface.workflows.projects.project import Project

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
        with atomic_path(target, mode=0o600) as part:
            _write(project.root, part, target, chosen, documents)
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
        "documents": {"sha256": digest(documents), "bytes": len(documents)},
        "files": {
            str(path.relative_to(root)): {
                "sha256": file_digest(path),
                "bytes": path.stat().st_size,
            }
            for path in chosen
        },
    }
    packed = target.name.endswith(".gz")
    with tarfile.open(part, mode="w:gz" if packed else "w") as tar:
        _add(tar, MANIFEST, json.dumps(told, indent=1).encode())
        _add(tar, DOCUMENTS, documents)
        for path in chosen:
            tar.add(path, FILES + str(path.relative_to(root)), recursive=False)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


def document_digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 of a document, whatever the database adds to it."""
    from bson import json_util

    plain = {key: value for key, value in document.items() if key != "_id"}
    return digest(json_util.dumps(plain, sort_keys=True).encode())
