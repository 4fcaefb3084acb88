"""`ionface init-cluster`: all configuration in one folder, explained, mode 0600."""

from __future__ import annotations

import os
import string
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import typer
import yaml

from ionface.errors import IonfaceError
from ionface.files import disk_message
from ionface.workflows.cluster.guard import check_queue_value
from ionface.workflows.cluster.settings import ENVIRONMENT, config_folder

FILES = (
    "my_launchpad.yaml",
    "my_fworker.yaml",
    "my_qadapter.yaml",
    "FW_config.yaml",
    "jobflow.yaml",
    "atomate2.yaml",
    "custodian.yaml",
    "ionface.yaml",
    "resources.yaml",
)
QUEUES = {"slurm": "SLURM", "pbs": "PBS", "sge": "SGE"}
PASSWORD = "IONFACE_DB_PASSWORD"


@dataclass(frozen=True)
class Answers:
    """What a site decides.

    Attributes:
        queue: slurm, pbs, sge or none.
        host: of MongoDB.
        port: of MongoDB.
        database: its name.
        username: empty for a database without access control.
        partition: empty for the default one.
        account: empty for none.
        vasp_cmd: the whole command.
    """

    queue: str = "slurm"
    host: str = "localhost"
    port: int = 27017
    database: str = "ionface"
    username: str = ""
    partition: str = ""
    account: str = ""
    vasp_cmd: str = "srun vasp_std"


def initialize(
    folder: Path | None,
    answers: Answers,
    *,
    force: bool = False,
    ask: Callable[[str], bool] | None = None,
) -> list[Path]:
    """Write a configuration and say what to do next; return what was written.

    Args:
        folder: where; as `config_folder`.
        answers: of the site.
        force: replace what is there.
        ask: whether to replace a file; a terminal is asked by default.

    Raises:
        IonfaceError: the folder cannot be written, or a value is for a shell.
    """
    for key in ("partition", "account"):
        check_queue_value(key, getattr(answers, key))
    place = config_folder(folder)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.chmod(0o700)
        written = [
            path
            for name, text in contents(place, answers, password(answers)).items()
            if (path := _written(place / name, text, force, ask or _ask)) is not None
        ]
        (place / "spool").mkdir(exist_ok=True, mode=0o700)
        (place / "logs").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise IonfaceError(disk_message(error, place)) from error
    if place != config_folder():
        typer.echo(f"export {ENVIRONMENT}={place}   # in your shell's profile")
    typer.echo("next: look through these files, then run: ionface doctor")
    return written


def password(answers: Answers) -> str:
    """Return the database's password, from the environment or the terminal."""
    if not answers.username:
        return ""
    if given := os.environ.get(PASSWORD):
        return given
    if not sys.stdin.isatty():
        raise IonfaceError(
            f"user {answers.username!r} needs a password: set {PASSWORD}, or run this "
            "in a terminal, which asks for it"
        )
    found: str = typer.prompt(f"password of {answers.username}", hide_input=True)
    return found


def contents(place: Path, answers: Answers, secret: str) -> dict[str, str]:
    """Return every file's text."""
    values = {
        "host": yaml_word(answers.host),
        "port": str(answers.port),
        "database": yaml_word(answers.database),
        "username": yaml_word(answers.username) if answers.username else "null",
        "password": yaml_word(secret) if secret else "null",
        "authsource": yaml_word(answers.database),
        "partition": yaml_word(answers.partition) if answers.partition else "null",
        "account": yaml_word(answers.account) if answers.account else "null",
        "vasp_cmd": yaml_word(answers.vasp_cmd),
        "folder": str(place),
        "python": sys.executable,
        "kind": QUEUES.get(answers.queue, ""),
        "template": f"{answers.queue}.sh",
        "worker": yaml_word(os.uname().nodename),
    }
    found = {}
    for name in FILES:
        if name == "my_qadapter.yaml" and answers.queue == "none":
            continue
        found[name] = filled(name, values)
    if answers.queue != "none":
        # its own signs are the queue's: $$ is filled in by FireWorks
        found[values["template"]] = template_text(values["template"])
    return found


def template_text(name: str) -> str:
    """Return a file as it comes with the package."""
    return (files("ionface.workflows.cluster") / "templates" / name).read_text()


def filled(name: str, values: dict[str, str]) -> str:
    """Return a file with the site's values."""

    class Sheet(string.Template):
        delimiter = "%"

    return Sheet(template_text(name)).substitute(values)


def yaml_word(text: str) -> str:
    """Return a text as one YAML scalar, whatever it holds."""
    return yaml.safe_dump(text, default_style='"', width=10_000).strip()


def _written(
    path: Path, text: str, force: bool, ask: Callable[[str], bool]
) -> Path | None:
    if path.exists():
        if path.read_text() == text:
            return None
        if not force and not ask(f"{path} exists and differs; replace it?"):
            typer.echo(f"kept {path}")
            return None
        keep = path.with_name(path.name + ".before")
        path.replace(keep)
        keep.chmod(0o600)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    typer.echo(f"wrote {path}")
    return path


def _ask(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question, default=False)
