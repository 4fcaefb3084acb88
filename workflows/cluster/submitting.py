"""What `ionface submit` does, through FireWorks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.console import messages, table
from ionface.workflows.cluster.commands import opened, tell_launched
from ionface.workflows.cluster.context import Cluster
from ionface.workflows.cluster.settings import is_configured
from ionface.workflows.study import study_files
from ionface.workflows.study.study import quickened

if TYPE_CHECKING:
    from ionface.workflows.cluster.launching import Launched
    from ionface.workflows.cluster.submission import Submitted
    from ionface.workflows.study.study import Study


def submit_studies(
    names: list[str],
    project: Path | None,
    engine: str | None,
    *,
    quick: bool,
    dry_run: bool,
    launch: bool,
    planned: bool,
    resources: Path | None,
    again: int,
    as_json: bool,
) -> int:
    """Submit studies; return the exit status: 1 if one of them was refused."""
    from ionface.workflows.cluster import submission
    from ionface.workflows.cluster.launching import launch_ready

    cluster = _for_submission(dry_run)
    told, refused = [], {}
    for name in names:
        try:
            study = study_files.load(name).with_engine(engine)
            study = quickened(study) if quick else study
            root = _root(study, project, len(names))
            asked = _requests(cluster, study, planned=planned, override=resources)
            if dry_run or cluster is None:
                told.append(submission.rehearse(cluster, study, root, asked, again))
            else:
                told.append(submission.submit(cluster, study, root, asked, again))
        except (IonfaceError, ValueError) as error:
            if len(names) == 1:
                raise
            refused[name] = str(error)
    launched = None
    if launch and told and not dry_run and cluster is not None:
        launched = launch_ready(cluster)
    _tell_submitted(told, refused, launched, dry_run=dry_run, as_json=as_json)
    return 1 if refused else 0


def _for_submission(dry_run: bool) -> Cluster | None:
    if dry_run and not is_configured():
        return None
    return opened()


def _root(study: Study, project: Path | None, number: int) -> Path:
    if project is None:
        return Path(study.name)
    return project if number == 1 else project / study.name


def _requests(
    cluster: Cluster | None, study: Study, *, planned: bool, override: Path | None
) -> Any:
    from ionface.workflows.cluster.resources import Requests, plan_resources, requests

    hours = cluster.settings.walltime_h if cluster else 24.0
    found = {}
    if planned:
        try:
            found = plan_resources(study, hours)
        except IonfaceError as error:
            if "prepared by an engine" not in str(error):
                raise
    if cluster is None:
        return Requests(found, walltime_h=hours)
    return requests(study, cluster.settings.folder, found, hours, override)


def _tell_submitted(
    told: list[Submitted],
    refused: dict[str, str],
    launched: Launched | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        body = {
            "submitted": [each.as_dict() for each in told],
            "refused": refused,
            "queued": launched.jobs if launched else {},
            "dry_run": dry_run,
        }
        typer.echo(json.dumps(body, indent=2))
        return
    for each in told:
        if dry_run:
            rows = [
                [name, ", ".join(f"{k}={v}" for k, v in asked.items())]
                for name, asked in each.jobs
            ]
            table(["job", "asks for"], rows, title=each.study)
        verb = "would submit" if dry_run else "submitted"
        typer.echo(
            f"{verb} {each.study}: {len(each.jobs)} jobs in {each.workflows} "
            f"workflows, project {each.project}"
        )
    for name, cause in refused.items():
        messages.print(f"refused: {name}: {cause}", markup=False, style="red")
    if launched is not None:
        tell_launched(launched)
