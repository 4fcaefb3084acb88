"""Where the cluster's configuration is, and what of it is ours.

One folder holds everything that `ionface init-cluster` writes: $IONFACE_CLUSTER, else
~/.ionface. `activate` points FireWorks, jobflow and atomate2 at it, before any of them
is imported. Files with secrets that others may read are refused.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import yaml

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


@dataclass(frozen=True)
class ClusterSettings:
    """How our layer behaves; the keys of ionface.yaml.

    Attributes:
        folder: of the configuration.
        spool: where results wait for the database; the folder's own by default.
        heartbeat_s: between two signs of life of a worker, s.
        expiry_s: a job that the queue does not know any more is dead after so long
            without a sign, s; above one heartbeat.
        blind_expiry_s: the same for a worker that no queue started, s; five heartbeats.
        reserve_s: before the wall time at which a job is asked to stop, s.
        grace_s: after SIGTERM until what still runs is ended, s; below the queue's own
            (KillWait, kill_delay).
        upload_s: a worker tries so long to reach the database before it leaves its
            result in the spool, s.
        document_limit_mb: outputs above it go to the store's `data` (GridFS, S3).
        reruns: of one job that was lost or stopped, before a person is asked.
        walltime_h: of a batch job for which nothing else says it, h.
        allow: packages beyond ours that documents may name, as in "mace".
    """

    folder: Path
    spool: Path
    heartbeat_s: float = 60.0
    expiry_s: float = 90.0
    blind_expiry_s: float = 300.0
    reserve_s: float = 300.0
    grace_s: float = 20.0
    upload_s: float = 600.0
    document_limit_mb: float = 4.0
    reruns: int = 10
    walltime_h: float = 24.0
    allow: tuple[str, ...] = ()

    POSITIVE: ClassVar = (
        "heartbeat_s",
        "expiry_s",
        "blind_expiry_s",
        "upload_s",
        "document_limit_mb",
        "walltime_h",
    )

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            IonfaceError: names the key, the rule and the way out.
        """
        for name in self.POSITIVE:
            if not getattr(self, name) > 0:
                raise IonfaceError(
                    f"{self.folder / OURS}: {name} must be above 0, "
                    f"not {getattr(self, name)}"
                )
        if self.expiry_s <= self.heartbeat_s:
            raise IonfaceError(
                f"{self.folder / OURS}: expiry_s={self.expiry_s:g} must be above "
                f"heartbeat_s={self.heartbeat_s:g}, or a living job looks dead between "
                "two heartbeats"
            )
        if not self.document_limit_mb < 16:
            raise IonfaceError(
                f"{self.folder / OURS}: document_limit_mb={self.document_limit_mb:g} "
                "must be below 16, the database's own limit"
            )


def config_folder(given: Path | None = None) -> Path:
    """Return the folder of the cluster's configuration; it need not exist."""
    chosen = given or os.environ.get(ENVIRONMENT) or Path.home() / ".ionface"
    return Path(chosen).expanduser().resolve()


def is_configured(folder: Path | None = None) -> bool:
    """Tell whether there is a cluster's configuration."""
    return (config_folder(folder) / LAUNCHPAD).is_file()


def load_settings(folder: Path | None = None) -> ClusterSettings:
    """Return the settings of a configuration, and point the libraries at it.

    Raises:
        IonfaceError: there is none, a key is unknown, or others may read a secret.
    """
    found = config_folder(folder)
    if not is_configured(found):
        raise IonfaceError(
            f"no cluster is configured in {found} (no {LAUNCHPAD}); run "
            f"`ionface init-cluster` first, or set {ENVIRONMENT} to its folder"
        )
    check_private(found)
    activate(found)
    given = read_yaml(found / OURS) if (found / OURS).is_file() else {}
    known = {field.name for field in fields(ClusterSettings)} - {"folder"}
    if unknown := sorted(set(given) - known):
        raise IonfaceError(
            f"{found / OURS}: unknown key {unknown[0]!r}; have {sorted(known)}"
        )
    spool = Path(given.pop("spool", None) or found / "spool").expanduser()
    allow = tuple(given.pop("allow", None) or ())
    _check_numbers(given, found)
    return ClusterSettings(found, spool, allow=allow, **given)


def _check_numbers(given: dict[str, Any], folder: Path) -> None:
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise IonfaceError(
                f"{folder / OURS}: {key}: {value!r} is no number; give one"
            )


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
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise IonfaceError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise IonfaceError(f"{path} is not valid YAML: {_place(error)}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise IonfaceError(f"{path} must be a mapping, not {type(found).__name__}")
    return found


def _place(error: Exception) -> str:
    """Return where YAML is wrong, without the text there: it may be a password."""
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f"line {mark.line + 1}"
    return where or type(error).__name__
