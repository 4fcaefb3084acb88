"""jobflow-remote as the manager, for sites whose compute nodes see no database.

Its runner (`jf runner start`) carries inputs to the cluster and results back; projects
and workers are configured as it says (~/.jfremote/NAME.yaml). It gets the study's plain
Flow, and refuses jobs that it has. It wants pymongo below 4.11, hence an environment of
its own.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobflow import Flow

from ionface.errors import IonfaceError
from ionface.files import write_atomically
from ionface.workflows.cluster.connection import library_silence, without_secrets
from ionface.workflows.cluster.overview import JobLine
from ionface.workflows.cluster.submission import (
    check_names,
    connected_groups,
    study_key,
)
from ionface.workflows.engines.durable import RUNS
from ionface.workflows.projects.project import MARK, Project

if TYPE_CHECKING:
    from jobflow import JobStore

    from ionface.workflows.study.study import Study

MANAGER = "jobflow-remote"
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


def submit_remote(study: Study, root: Path) -> int:
    """Hand a study to jobflow-remote; return how many jobs it has.

    Raises:
        IonfaceError: it has jobs of this project already, or does not take them.
    """
    check_names(study)
    control = controller()
    project = Project.create(root, study)
    with project.locked():
        uuids = [job.uuid for job, _ in project.jobs()]
        mine = {"uuid": {"$in": uuids}}
        if control.jobs.find_one(mine, {"_id": 1}):
            raise IonfaceError(
                f"jobs of study {study.name!r} are in jobflow-remote's database "
                "already; a job is never computed twice. If their submission was "
                "interrupted, remove them with `jf flow delete` and submit again"
            )
        mark = {"submission": study_key(study), "manager": MANAGER}
        # before the jobs: what is cut off after the first is not computed here as well
        write_atomically(project.root / MARK, json.dumps(mark))
        try:
            _hand_over(study, project)
        except Exception as error:  # it has many of its own
            if not control.jobs.find_one(mine, {"_id": 1}):
                (project.root / MARK).unlink()
            raise IonfaceError(
                f"jobflow-remote did not take study {study.name!r}: "
                f"{without_secrets(' '.join(str(error).split()))}"
            ) from error
    return len(uuids)


def _hand_over(study: Study, project: Project) -> None:
    submit_flow = import_module("jobflow_remote").submit_flow
    for group in connected_groups(project.jobs()):
        for job, _ in group:
            job.hosts = []  # they leave the flow that the project keeps
            job.metadata.pop(RUNS, None)  # its machine has folders of its own
        with library_silence():
            submit_flow(Flow([job for job, _ in group], name=study.name))


def is_remote(root: Path) -> bool:
    """Return whether a project was handed to jobflow-remote."""
    return Project(root.resolve()).submission.get("manager") == MANAGER


def remote_store() -> JobStore:
    """Return the store in which jobflow-remote keeps what the jobs returned."""
    store: JobStore = controller().jobstore
    return store


def remote_lines(root: Path) -> list[JobLine]:
    """Return the state of a project's jobs, as jobflow-remote tells it."""
    project = Project.open(root)
    uuids = [job.uuid for job, _ in project.jobs()]
    infos = controller().get_jobs_info(custom_query={"uuid": {"$in": uuids}})
    lines = [_line(info, project.study.name) for info in infos]
    return sorted(lines, key=lambda line: line.number)


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
