"""`ionface init-cluster`: all configuration in one folder, explained, mode 0600."""

from __future__ import annotations

import os
import string
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from ionface.errors import IonfaceError
from ionface.files import disk_message, write_atomically
from ionface.workflows.cluster.resources import check_queue_value
from ionface.workflows.cluster.settings import config_folder

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
    password: str = "",
    replace: Callable[[Path], bool] | None = None,
) -> dict[Path, bool]:
    """Write a configuration; return which file was written, and which left as it was.

    Args:
        folder: where; as `config_folder`.
        answers: of the site.
        password: of the database's user.
        replace: asked for each file that is there and differs; none is if not given.

    Raises:
        IonfaceError: the folder cannot be written, or a value is for a shell.
    """
    for key in ("partition", "account"):
        check_queue_value(key, getattr(answers, key))
    place = config_folder(folder)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.chmod(0o700)
        return {
            place / name: _write(place / name, text, replace)
            for name, text in contents(place, answers, password).items()
        }
    except OSError as error:
        raise IonfaceError(disk_message(error, place)) from error


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
    texts = {}
    for name in FILES:
        if name == "my_qadapter.yaml" and answers.queue == "none":
            continue
        texts[name] = filled(name, values)
    if answers.queue != "none":
        # its own signs are the queue's: $$ is filled in by FireWorks
        texts[values["template"]] = template_text(values["template"])
    return texts


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


def _write(path: Path, text: str, replace: Callable[[Path], bool] | None) -> bool:
    """Write one file, mode 0600, unless it is there; tell whether it was written."""
    if path.exists():
        if path.read_text() == text or replace is None or not replace(path):
            return False
        before = path.with_name(path.name + ".before")
        path.replace(before)
        before.chmod(0o600)
    write_atomically(path, text, mode=0o600)
    return True
