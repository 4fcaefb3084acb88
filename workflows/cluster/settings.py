"""Where the cluster's configuration is, and what of it is ours.

One folder holds everything that `ionface init-cluster` writes: $IONFACE_CLUSTER, else
~/.ionface. `activate` points FireWorks, jobflow and atomate2 at it, before any of them
is imported. Files with secrets that others may read are refused.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ionface.documents import check_yaml
from ionface.errors import IonfaceError

ENVIRONMENT = "IONFACE_CLUSTER"
OURS = "ionface.yaml"
LAUNCHPAD = "my_launchpad.yaml"
WORKER = "my_fworker.yaml"
QUEUE = "my_qadapter.yaml"
JOBFLOW = "jobflow.yaml"
SECRET = (LAUNCHPAD, JOBFLOW)
CONFIGURED = {
    "FW_CONFIG_FILE": "FW_config.yaml",
    "JOBFLOW_CONFIG_FILE": JOBFLOW,
    "ATOMATE2_CONFIG_FILE": "atomate2.yaml",
}


class ClusterSettings(BaseModel):
    """How our layer behaves; the keys of ionface.yaml.

    Attributes:
        folder: of the configuration.
        expiry_s: a job that the queue does not know any more is lost after so long
            without a sign of life, s; above FireWorks' PING_TIME_SECS.
        blind_expiry_s: the same for a job that no queue started, s.
        reserve_s: before the wall time at which a job is asked to stop, s.
        grace_s: after SIGTERM until what still runs is ended, s; below the queue's own
            (KillWait, kill_delay).
        patience_s: a worker waits so long for a database that is away, s.
        document_limit_mb: outputs above it go to the store's `data` (GridFS, S3);
            below 16, the database's own limit.
        reruns: of one job that was lost or stopped, before a person is asked.
        walltime_h: of a batch job for which nothing else says it, h.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    expiry_s: float = Field(default=90.0, gt=0)
    blind_expiry_s: float = Field(default=300.0, gt=0)
    reserve_s: float = Field(default=300.0, ge=0)
    grace_s: float = Field(default=20.0, ge=0)
    patience_s: float = Field(default=600.0, gt=0)
    document_limit_mb: float = Field(default=4.0, gt=0, lt=16)
    reruns: int = Field(default=10, ge=0)
    walltime_h: float = Field(default=24.0, gt=0)


def config_folder(folder: Path | None = None) -> Path:
    """Return the folder of the cluster's configuration; it need not exist."""
    place = folder or os.environ.get(ENVIRONMENT) or Path.home() / ".ionface"
    return Path(place).expanduser().resolve()


def is_configured(folder: Path | None = None) -> bool:
    """Tell whether there is a cluster's configuration."""
    return (config_folder(folder) / LAUNCHPAD).is_file()


def load_settings(folder: Path | None = None) -> ClusterSettings:
    """Return the settings of a configuration, and point the libraries at it.

    Raises:
        IonfaceError: there is none, a key or value is wrong, or others may read a
            secret.
    """
    place = config_folder(folder)
    if not is_configured(place):
        raise IonfaceError(
            f"no cluster is configured in {place} (no {LAUNCHPAD}); run "
            f"`ionface init-cluster` first, or set {ENVIRONMENT} to its folder"
        )
    check_private(place)
    activate(place)
    path = place / OURS
    values = read_yaml(path) if path.is_file() else {}
    return validated(ClusterSettings, {**values, "folder": place}, path)


Settings = TypeVar("Settings", bound=BaseModel)


def validated(model: type[Settings], values: dict[str, Any], path: Path) -> Settings:
    """Return the settings of a file.

    Raises:
        IonfaceError: names the file, the first key that is wrong, and why.
    """
    try:
        return model(**values)
    except ValidationError as error:
        fault = error.errors()[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        raise IonfaceError(f"{path}: unknown key {key!r}; remove or correct it")
    raise IonfaceError(f"{path}: {key}: {fault['msg']}, not {fault['input']!r}")


def activate(folder: Path) -> None:
    """Point FireWorks, jobflow and atomate2 at a configuration; they are lazy."""
    os.environ[ENVIRONMENT] = str(folder)
    for variable, name in CONFIGURED.items():
        if (folder / name).is_file():
            os.environ.setdefault(variable, str(folder / name))


def check_private(folder: Path) -> None:
    """Refuse secrets that other users of the machine may read.

    Raises:
        IonfaceError: with the command that mends it.
    """
    for name in SECRET:
        path = folder / name
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise IonfaceError(
                f"{path} may hold a password and can be read by others; "
                f"run: chmod 600 {path}"
            )


def read_yaml(path: Path) -> dict[str, Any]:
    """Return a YAML file's mapping, safely loaded.

    Raises:
        IonfaceError: it cannot be read, is not YAML or not a mapping.
    """
    try:
        text = path.read_text()
        check_yaml(text, str(path))
        content = yaml.safe_load(text)
    except OSError as error:
        raise IonfaceError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise IonfaceError(f"{path} is not valid YAML: {_place(error)}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise IonfaceError(f"{path} must be a mapping, not {type(content).__name__}")
    return content


def _place(error: Exception) -> str:
    """Return where YAML is wrong, without the text there: it may be a password."""
    mark = getattr(error, "problem_mark", None)
    return type(error).__name__ if mark is None else f"line {mark.line + 1}"
