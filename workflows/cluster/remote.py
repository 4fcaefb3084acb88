"""jobflow-remote as the manager, for sites whose compute nodes see no database.

Its runner (`jf runner start`) carries inputs to the cluster and results back; projects
and workers are configured as it says (~/.jfremote/NAME.yaml). The same studies, names
and refusals as with FireWorks. It needs an environment of its own: it wants pymongo
below 4.11.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cluster.choosing import MARK
from ionface.workflows.cluster.context import here, library_silence, now
from ionface.workflows.cluster.execution import without_secrets
from ionface.workflows.cluster.guard import check_name
from ionface.workflows.cluster.overview import JobLine, print_lines, told_lines
from ionface.workflows.study import study_files
from ionface.workflows.study.study import quickened

if TYPE_CHECKING:
    from ionface.workflows.study.study import Study

STATES = {
    "COMPLETED": "done",
    "RUNNING": "running",
    "BATCH_RUNNING": "running",
    "RUN_FINISHED": "running",
    "DOWNLOADED": "running",
    "SUBMITTED": "queued",
    "BATCH_SUBMITTED": "queued",
    "CHECKED_OUT": "queued",
    "UPLOADED": "queued",
    "READY": "ready",
    "WAITING": "waiting",
    "FAILED": "failed",
    "REMOTE_ERROR": "failed",
}
SUBMISSIONS = "ionface_submissions"


def controller() -> Any:
    """Return jobflow-remote's controller of the chosen project.

    Raises:
        IonfaceError: it is not installed, or has no project.
    """
    try:
        module = import_module("jobflow_remote.jobs.jobcontroller")
    except ImportError as error:
        raise IonfaceError(
            "jobflow-remote is not installed; it needs an environment of its own, "
            "since it wants an older pymongo: pip install ionface jobflow-remote "
            "'pymongo<4.11' (without our constraints.txt)"
        ) from error
    try:
        with library_silence():
            return module.JobController.from_project_name()
    except Exception as error:  # it has many of its own
        raise IonfaceError(
            "jobflow-remote has no usable project: "
            f"{without_secrets(' '.join(str(error).split()))}; "
            "run `jf project generate NAME`, then `jf project check`"
        ) from error


def submit_remote(
    names: list[str],
    project: Path | None,
    engine: str | None,
    *,
    quick: bool,
    dry_run: bool,
    again: int,
    as_json: bool,
) -> int:
    """Hand studies to jobflow-remote; return 1 if one was refused."""
    told, refused = [], {}
    for name in names:
        try:
            study = study_files.load(name).with_engine(engine)
            study = quickened(study) if quick else study
            root = Path(study.name) if project is None else project
            root = root / study.name if project and len(names) > 1 else root
            told.append(_submit(study, root.resolve(), again, dry_run=dry_run))
        except (IonfaceError, ValueError) as error:
            if len(names) == 1:
                raise
            refused[name] = str(error)
    if as_json:
        typer.echo(
            json.dumps({"submitted": told, "refused": refused, "dry_run": dry_run})
        )
    else:
        verb = "would hand" if dry_run else "handed"
        for each in told:
            typer.echo(f"{verb} {each['study']} to jobflow-remote: {each['jobs']} jobs")
        for name, cause in refused.items():
            typer.echo(f"refused: {name}: {cause}", err=True)
    return 1 if refused else 0


def _submit(study: Study, root: Path, again: int, *, dry_run: bool) -> dict[str, Any]:
    from ionface.workflows.cluster.submission import (
        check_study,
        digest,
        prepared,
        rehearse,
    )

    check_study(study)
    mark = digest(study, again)
    if dry_run:
        from ionface.workflows.cluster.resources import Requests

        found = rehearse(None, study, root, Requests(), again)
        return {"study": study.name, "jobs": len(found.jobs), "digest": mark}
    control = controller()
    submissions = control.db[SUBMISSIONS]
    _reserve(submissions, study, mark, root)
    try:
        project, jobs = prepared(study, root)
        uuids = [job.uuid for job, _ in jobs]
        if control.jobs.find_one({"uuid": {"$in": uuids}}, {"_id": 1}):
            raise IonfaceError(
                f"jobs of study {study.name!r} are in jobflow-remote's database "
                "already; a job is never computed twice. If their submission was "
                "interrupted, remove them with `jf flow delete` and submit again"
            )
        for job, _ in jobs:
            check_name(job.name, "the job's name")
        _add(jobs, study.name)
        body = {"submission": mark, "again": again, "manager": "jobflow-remote"}
        write_atomically(project.root / MARK, json.dumps(body) + "\n")
    except BaseException:
        submissions.delete_one({"_id": mark, "state": "adding"})
        raise
    done = {"state": "done", "uuids": uuids}
    submissions.update_one({"_id": mark}, {"$set": done})
    return {"study": study.name, "jobs": len(jobs), "digest": mark}


def _add(jobs: Any, name: str) -> None:
    """Add each connected group of jobs as a flow of its own."""
    from jobflow import Flow

    from ionface.workflows.cluster.graphs import components

    remote = import_module("jobflow_remote")
    for group in components(jobs):
        members = [job for job, _ in group]
        for job in members:
            job.hosts = []  # they leave the flow that the project keeps
        with library_silence():
            remote.submit_flow(Flow(members, name=name))


def _reserve(submissions: Any, study: Study, mark: str, root: Path) -> None:
    from pymongo.errors import DuplicateKeyError

    mine = {
        "_id": mark,
        "study": study.name,
        "state": "adding",
        "host": here(),
        "pid": os.getpid(),
        "submitted": now().isoformat(timespec="seconds"),
        "root": str(root),
    }
    try:
        submissions.insert_one(mine)
    except DuplicateKeyError:
        known = submissions.find_one({"_id": mark}) or {}
        if _taken_over(submissions, known, mine):
            return
        raise IonfaceError(
            f"study {study.name!r} was submitted already ({known.get('submitted')}, "
            f"project {known.get('root')}); it is not computed twice. To repeat it on "
            "purpose, give --again 1"
        ) from None


def _taken_over(submissions: Any, known: dict[str, Any], mine: dict[str, Any]) -> bool:
    """Take the place of a submission whose process was killed on this machine."""
    same = known.get("state") == "adding" and known.get("host") == mine["host"]
    if not same or Path(f"/proc/{known.get('pid')}").exists():
        return False
    was = {"_id": mine["_id"], "state": "adding", "pid": known.get("pid")}
    return submissions.find_one_and_update(was, {"$set": mine}) is not None


def lines(submission: str = "") -> list[JobLine]:
    """Return every job's state, as jobflow-remote tells it.

    Args:
        submission: only of this one; all of ours if empty.
    """
    control = controller()
    query = {"_id": submission} if submission else {}
    found = []
    for known in control.db[SUBMISSIONS].find(query):
        hosts = set(known.get("uuids") or ())
        infos = control.get_jobs_info(custom_query={"uuid": {"$in": sorted(hosts)}})
        found += [_line(info, str(known["study"])) for info in infos]
    return sorted(found, key=lambda line: line.number)


def _line(info: Any, study: str) -> JobLine:
    state = STATES.get(info.state.value, info.state.value.lower())
    error = info.error or (info.remote.error if info.remote else None) or ""
    last = [line for line in str(error).strip().splitlines() if line.strip()][-1:]
    return JobLine(
        int(info.db_id),
        str(info.name),
        study,
        state,
        without_secrets(" ".join(last)),
        str(info.run_dir or ""),
        str((info.remote.process_id if info.remote else None) or ""),
    )


def show(submission: str = "", *, everything: bool, as_json: bool) -> None:
    """Print the state of the jobs that jobflow-remote manages."""
    found = lines(submission)
    if as_json:
        typer.echo(json.dumps(told_lines(found)))
    else:
        print_lines(found, everything)
