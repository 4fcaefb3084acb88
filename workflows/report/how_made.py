"""How a report was made: versions, the commands that repeat it, what to cite.

What is cited follows from what the study did; `references.bib` holds every entry with
the words (field `used`) that call for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.metadata import version

from ionface.analysis.report.page import Cell, Code, Content, Facts
from ionface.plugins import added, added_by
from ionface.structures.specs import FilmLayer
from ionface.workflows.engines.circumstances import together
from ionface.workflows.engines.durable import job_folder, made_how
from ionface.workflows.projects.project import Project
from ionface.workflows.study.study import Study
from ionface.workflows.study.study_files import builtin_names


def how_made(project: Project) -> list[Content]:
    """Return what lets somebody else repeat and cite a project."""
    study = (project.root / "study.yaml").read_text("utf-8")
    return [
        Facts(_facts(project, study)),
        Code("Commands that repeat it", _commands(project.study), "commands.sh"),
        Code("The study, as resolved", study, "study.yaml"),
        Code("What to cite", "\n".join(citations(project)), "references.bib"),
    ]


def _commands(study: Study) -> str:
    engines = study.engine_names()
    others = [each for each in added("ionface.engines") if each.name in engines]
    packages = dict.fromkeys(["ionface", *map(added_by, others)])
    install = " ".join(f"{package}=={version(package)}" for package in packages)
    commands = (
        f"pip install {install}\n"
        "# study.yaml as below; files that it names lie in inputs/\n"
        "ionface run study.yaml --project repeated    # every job, the report\n"
    )
    if study.name in builtin_names():
        quick = " --quick" if study.quick else ""
        commands += f"# from the built-in study: ionface run {study.name}{quick}\n"
    return commands


def _facts(project: Project, study: str) -> dict[str, Cell]:
    folders = (job_folder(job, project.runs) for job, _ in project.jobs())
    facts: dict[str, Cell] = {
        "project made by": f"ionface {project.identity.get('ionface')}",
        **together([made for folder in folders if (made := made_how(folder))]),
        "report written by": f"ionface {version('ionface')}",
    }
    facts["study.yaml (SHA-256)"] = hashlib.sha256(study.encode()).hexdigest()
    for path in sorted((project.root / "inputs").glob("**/*")):
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            facts[f"{path.relative_to(project.root)} (SHA-256)"] = digest
    return facts


@cache
def _entries() -> tuple[tuple[str, str], ...]:
    """Return (what calls for it, BibTeX) of every entry."""
    text = resources.files(__package__).joinpath("references.bib").read_text("utf-8")
    found = []
    for entry in re.split(r"\n(?=@)", text):
        used = re.search(r" used = \{(.*?)\},", entry)
        assert used is not None, entry[:40]
        found.append((used[1], entry.replace(used[0], "").strip() + "\n"))
    return tuple(found)


def citations(project: Project) -> list[str]:
    """Return the BibTeX entries of what a project used."""
    used = set(_used(project))
    return [entry for word, entry in _entries() if word in used]


def _used(project: Project) -> Iterator[str]:
    """Yield the words for what a project used."""
    yield "always"
    study = project.study
    if study.interfaces:
        yield from ("model", "interface")
    if study.dynamics or study.references:
        yield "dynamics"
    if any(isinstance(s.film, FilmLayer) for s in study.interfaces):
        yield "chains"
    for level in project.identity["levels"].values():
        for word in re.split(r"[^a-z0-9]+", str(level["code"]).lower()):
            yield f"code {word}"
        for key in ("functional", "dispersion", "model"):
            for word in re.split(r"[^a-z0-9]+", str(level.get(key)).lower()):
                yield f"{key} {word}"
