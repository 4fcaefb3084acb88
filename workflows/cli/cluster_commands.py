"""The commands of a cluster: init-cluster, submit, worker, recover."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ionface.errors import IonfaceError
from ionface.workflows.cli.app import CLUSTER, app
from ionface.workflows.cli.console import say, table, tell_notes
from ionface.workflows.cli.options import AsJson, Quick, Trust, agree
from ionface.workflows.cli.study_commands import loaded
from ionface.workflows.cli.wording import in_flags

if TYPE_CHECKING:
    from ionface.workflows.cluster.batch import Launched
    from ionface.workflows.cluster.connection import Cluster
    from ionface.workflows.cluster.recovery import Recovered
    from ionface.workflows.cluster.resources import Requests, Resources
    from ionface.workflows.cluster.submission import Submitted
    from ionface.workflows.study.study import Study

PASSWORD = "IONFACE_DB_PASSWORD"


@app.command("init-cluster", rich_help_panel=CLUSTER)
def init_cluster(
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="$IONFACE_CLUSTER, else ~/.ionface."),
    ] = None,
    queue: Annotated[
        Literal["slurm", "pbs", "sge", "none"], typer.Option("--queue")
    ] = "slurm",
    host: Annotated[str, typer.Option("--host", help="Of MongoDB.")] = "localhost",
    port: Annotated[int, typer.Option("--port")] = 27017,
    database: Annotated[str, typer.Option("--database")] = "ionface",
    username: Annotated[str, typer.Option("--username")] = "",
    partition: Annotated[str, typer.Option("--partition")] = "",
    account: Annotated[str, typer.Option("--account")] = "",
    vasp: Annotated[str, typer.Option("--vasp-cmd")] = "srun vasp_std",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files without asking.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the configuration of a cluster into one folder.

    That is the queue's template, database, store, custodian and atomate2 settings.

    The database's password is asked for, or read from $IONFACE_DB_PASSWORD; it is
    never given on a command line.
    """
    from ionface.workflows.cluster.init import Answers, initialize
    from ionface.workflows.cluster.settings import ENVIRONMENT, config_folder

    answers = Answers(queue, host, port, database, username, partition, account, vasp)
    written = initialize(
        folder,
        answers,
        password=_password(username),
        replace=lambda path: force or _may_replace(path),
    )
    if as_json:
        typer.echo(json.dumps({str(path): new for path, new in written.items()}))
        return
    for path, is_new in written.items():
        typer.echo(f"{'wrote' if is_new else 'kept'} {path}")
    if (place := config_folder(folder)) != config_folder():
        typer.echo(f"export {ENVIRONMENT}={place}   # in your shell's profile")
    typer.echo("next: look through these files, then run: ionface doctor")


def _password(username: str) -> str:
    """Return the database's password, from the environment or the terminal."""
    if not username:
        return ""
    if password := os.environ.get(PASSWORD):
        return password
    if not sys.stdin.isatty():
        raise IonfaceError(
            f"user {username!r} needs a password: set {PASSWORD}, or run this in a "
            "terminal, which asks for it"
        )
    answer: str = typer.prompt(f"password of {username}", hide_input=True)
    return answer


def _may_replace(path: Path) -> bool:
    question = f"{path} exists and differs; replace it?"
    return sys.stdin.isatty() and typer.confirm(question, default=False)


# --- submit -----------------------------------------------------------------------

ResourcesFile = Annotated[
    Path | None,
    typer.Option("--resources", help="In place of the configured resources.yaml."),
]
Again = Annotated[
    int, typer.Option(min=0, help="Repeat on purpose, the so many-th time.")
]


@app.command(rich_help_panel=CLUSTER)
def submit(
    studies: Annotated[
        list[str],
        typer.Argument(metavar="STUDY...", help="Built-in studies or YAML files."),
    ],
    project: Annotated[
        Path | None,
        typer.Option(
            "--project", help="Of one study; of several, a folder for each. ./NAME"
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="vasp, vasp-double, sevennet, ...")
    ] = None,
    manager: Annotated[
        Literal["fireworks", "jobflow-remote"], typer.Option("--manager")
    ] = "fireworks",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go; write nothing.")
    ] = False,
    launch: Annotated[
        bool, typer.Option("--launch/--no-launch", help="Put ready jobs in the queue.")
    ] = True,
    plan: Annotated[
        bool,
        typer.Option("--plan/--no-plan", help="Take resources from the VASP plan."),
    ] = True,
    resources: ResourcesFile = None,
    again: Again = 0,
    quick: Quick = False,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Submit studies to a cluster, each of them once."""
    from ionface.workflows.cluster.batch import launch_ready
    from ionface.workflows.cluster.submission import check_new

    cluster = None if manager == "jobflow-remote" else _database(dry_run=dry_run)

    def send(name: str) -> Submitted | None:
        study = loaded(name, engine, quick=quick)
        root = _root(study, project, len(studies))
        if not dry_run:
            agree(root, trust)
        if manager == "jobflow-remote" and not dry_run:
            _hand_over(study, root)
            return None
        if cluster is not None:
            check_new(cluster, study, again)
        requests = _requests(cluster, study, plan, resources)
        return _submit(cluster, study, root, requests, again, dry_run)

    submitted, refused = _each(studies, send)
    launched = None
    if launch and submitted and not dry_run and cluster is not None:
        launched = launch_ready(cluster)
    _tell_submitted(submitted, refused, launched, dry_run=dry_run, as_json=as_json)
    raise typer.Exit(1 if refused else 0)


def _database(*, dry_run: bool) -> Cluster | None:
    """Return the configured cluster; a rehearsal needs none."""
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.settings import is_configured

    return None if dry_run and not is_configured() else connected()


def _each(
    studies: Sequence[str], send: Callable[[str], Submitted | None]
) -> tuple[list[Submitted], dict[str, str]]:
    """Return what was submitted, and why other studies are refused, by their names.

    Raises:
        IonfaceError: the only study is refused.
    """
    submitted, refused = [], {}
    for name in studies:
        try:
            if sent := send(name):
                submitted.append(sent)
        except (IonfaceError, ValueError) as error:
            if len(studies) == 1:
                raise
            refused[name] = in_flags(str(error))
    return submitted, refused


def _root(study: Study, project: Path | None, number: int) -> Path:
    if project is None:
        return Path(study.name).resolve()
    return (project if number == 1 else project / study.name).resolve()


def _hand_over(study: Study, root: Path) -> None:
    from ionface.workflows.cluster.remote import submit_remote

    number = submit_remote(study, root)
    say(f"handed {study.name} to jobflow-remote: {number} jobs")


def _submit(
    cluster: Cluster | None,
    study: Study,
    root: Path,
    requests: Requests,
    again: int,
    dry_run: bool,
) -> Submitted:
    from ionface.workflows.cluster import submission

    if dry_run or cluster is None:
        return submission.rehearse(cluster, study, root, requests, again)
    return submission.submit(cluster, study, root, requests, again)


def _requests(
    cluster: Cluster | None, study: Study, planned: bool, override: Path | None
) -> Requests:
    from ionface.workflows.cluster.resources import Requests, requests

    hours = cluster.settings.walltime_h if cluster else 24.0
    plan = planned_resources(study, hours) if planned else {}
    if cluster is None:
        return Requests(plan, walltime_h=hours)
    return requests(study, cluster.settings.folder, plan, hours, override)


def planned_resources(study: Study, walltime_h: float) -> dict[str, Resources]:
    """Return what jobs of programs need by the plan; empty for potentials."""
    from ionface.workflows.cluster.resources import asked_memory, plan_resources
    from ionface.workflows.planning.duration import times_told
    from ionface.workflows.planning.preflight import check_study, needs
    from ionface.workflows.planning.walk import GraphWalk

    planned = check_study(study, here=False)
    tell_notes(planned.notes)
    each: dict[str, tuple[int, float, float | None]] = {
        name: (need.tasks, need.hours, study.vasp.memory)
        for name, need in needs(planned).items()
    }
    for job in times_told(study, GraphWalk(study)).values():
        if job.seconds is None:
            continue  # resources.yaml says what such a job asks for
        expected = job.memory_gb
        memory = study.dft.memory or (expected and asked_memory(expected))
        each[job.name] = (job.ranks, job.seconds / 3600, memory)
    return plan_resources(each, study.vasp.walltime or walltime_h)


def _tell_submitted(
    submitted: list[Submitted],
    refused: dict[str, str],
    launched: Launched | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        body = {
            "submitted": [each.as_dict() for each in submitted],
            "refused": refused,
            "queued": launched.jobs if launched else {},
            "dry_run": dry_run,
        }
        typer.echo(json.dumps(body, indent=2))
        return
    for each in submitted:
        if dry_run:
            rows = [
                [name, ", ".join(f"{k}={v}" for k, v in resources.items())]
                for name, resources in each.jobs
            ]
            table(["job", "asks for"], rows, title=each.study)
        verb = "would submit" if dry_run else "submitted"
        typer.echo(
            f"{verb} {each.study}: {len(each.jobs)} jobs in {each.workflows} "
            f"workflows, project {each.project}"
        )
    for name, cause in refused.items():
        say(f"refused: {name}: {cause}", style="red")
    if launched is not None:
        _tell_launched(launched)


def _tell_launched(launched: Launched) -> None:
    if launched.jobs:
        typer.echo(f"{len(launched.jobs)} batch jobs put into the queue")
    for number, cause in launched.refused.items():
        say(f"not queued: {number}: {cause}", style="red")


# --- worker -----------------------------------------------------------------------


@app.command(rich_help_panel=CLUSTER)
def worker(
    fw_id: Annotated[
        int | None, typer.Option("--fw_id", help="This job only; any by default.")
    ] = None,
    singleshot: Annotated[
        bool, typer.Option("--singleshot", help="One job, then end.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many jobs.")
    ] = None,
    walltime: Annotated[
        float | None, typer.Option(min=0.0, help="Of this process, h.")
    ] = None,
    idle: Annotated[
        float, typer.Option(min=0.0, help="Wait so long for jobs to be ready, s.")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run jobs of the database here: what a batch script execs."""
    from ionface.workflows.cluster.connection import open_cluster
    from ionface.workflows.cluster.settings import load_settings
    from ionface.workflows.cluster.worker import work

    cluster = open_cluster(patience_s=load_settings().patience_s)
    walltime_s = 3600 * walltime if walltime else _batch_walltime_s()
    most = 1 if singleshot else limit
    report = work(cluster, fw_id, most, walltime_s, idle, say)
    if as_json:
        typer.echo(json.dumps(report.__dict__, indent=2))
    for name in report.completed:
        say(f"done: {name}")
    for name, cause in report.failed.items():
        say(f"failed: {name}: {cause}", style="red")
    for name, cause in report.later.items():
        say(f"goes on later: {name}: {cause}")
    raise typer.Exit(1 if report.failed else 0)


def _batch_walltime_s() -> float | None:
    """Return what is left of the batch job that this process runs in, s."""
    if end := os.environ.get("SLURM_JOB_END_TIME"):
        return max(1.0, float(end) - time.time())
    for variable in ("IONFACE_WALLTIME_S", "PBS_WALLTIME"):
        if (seconds := os.environ.get(variable, "")).isdigit():
            return float(seconds)
    return None


# --- recover ----------------------------------------------------------------------


@app.command(rich_help_panel=CLUSTER)
def recover(
    failed: Annotated[
        bool,
        typer.Option("--failed", help="Run again what failed by itself, too."),
    ] = False,
    launch: Annotated[
        bool, typer.Option("--launch/--no-launch", help="Put ready jobs in the queue.")
    ] = True,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until everything is done.")
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.1, help="Between two looks with --watch, s.")
    ] = 15.0,
    most: Annotated[
        int | None, typer.Option(min=1, help="Batch jobs in the queue at a time.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let lost jobs go on from their folders.

    What is lost is told by the database and the queue.
    """
    from pymongo.errors import PyMongoError

    from ionface.workflows.cluster.connection import connected, unreachable_message

    cluster = connected()
    while True:
        try:
            recovered, launched = _recover_once(cluster, failed, launch, most)
        except PyMongoError as error:
            if not watch:
                raise IonfaceError(unreachable_message(cluster)) from error
            say(unreachable_message(cluster), style="red")
        except IonfaceError as error:
            if not watch:
                raise
            say(str(error))
        else:
            if as_json:
                typer.echo(json.dumps(_as_dict(recovered, launched)))
            elif not watch or not recovered.quiet or launched.jobs:
                _tell_recovered(recovered, launched)
            if not watch or _all_over(cluster):
                raise typer.Exit(1 if recovered.exhausted else 0)
        failed = False  # only what had failed before: else it would never end
        time.sleep(every)


def _recover_once(
    cluster: Cluster, failed: bool, launch: bool, most: int | None
) -> tuple[Recovered, Launched]:
    from ionface.workflows.cluster.batch import Launched, launch_ready
    from ionface.workflows.cluster.recovery import recover as look

    recovered = look(cluster, failed=failed)
    return recovered, launch_ready(cluster, most) if launch else Launched()


def _all_over(cluster: Cluster) -> bool:
    """Tell whether no job runs, waits in the queue or can start."""
    going = {"state": {"$in": ["READY", "RESERVED", "RUNNING"]}}
    return not cluster.launchpad.get_fw_ids(going, limit=1)


def _as_dict(recovered: Recovered, launched: Launched) -> dict[str, Any]:
    body = {"queued": launched.jobs, "refused": launched.refused}
    return {**recovered.__dict__, **body}


def _tell_recovered(recovered: Recovered, launched: Launched) -> None:
    for number, cause in recovered.again.items():
        typer.echo(f"{number} runs again from its folder: {cause}")
    if recovered.told:
        typer.echo(f"{len(recovered.told)} jobs waited for what was done; they go on")
    for number, cause in recovered.exhausted.items():
        say(
            f"{number} was tried too often: {cause}; see its folder, then "
            "ionface recover --failed",
            style="red",
        )
    if recovered.unknown:
        typer.echo(f"{recovered.unknown} jobs unknown: the queue does not answer")
    _tell_launched(launched)
    if recovered.quiet and not launched.jobs:
        typer.echo("nothing to recover")
