"""Batch systems: which of our jobs they know, submitted and withdrawn.

A queue that cannot be asked is not an empty queue: `jobs` then returns None, and
nothing is concluded from it.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionface.errors import IonfaceError
from ionface.workflows.cluster.settings import read_yaml

ASK_S = 30.0
GONE = frozenset({"C", "E", "F", "X"})  # PBS: completed, exiting, finished
Ask = Callable[[list[str]], str | None]


@dataclass(frozen=True)
class QueueJob:
    """A job that the queue knows and that has not ended.

    Attributes:
        number: its id, digits alone.
        state: in the queue's own word.
        name: as submitted; shortened by some queues.
    """

    number: str
    state: str
    name: str = ""


def ask(command: list[str]) -> str | None:
    """Return what a command prints, or None if it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=ASK_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


@dataclass(frozen=True)
class Queue:
    """A batch system, or its absence.

    Attributes:
        kind: "SLURM", "PBS", "SGE", or "" where jobs are started by hand.
        settings: of my_qadapter.yaml.
        asked: runs a command; replaced in tests.
    """

    kind: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    asked: Ask = ask

    def __bool__(self) -> bool:
        """Tell whether there is one."""
        return bool(self.kind)

    def jobs(self) -> dict[str, QueueJob] | None:
        """Return the user's jobs by id; None if the queue does not answer."""
        if not self.kind:
            return {}
        user = getpass.getuser()
        text = self.asked(
            ["squeue", "-h", "-u", user, "-o", "%A|%T|%j"]
            if self.kind == "SLURM"
            else ["qstat", "-u", user]
        )
        if text is None:
            return None
        read = {"SLURM": _squeue, "PBS": _qstat_pbs, "SGE": _qstat_sge}[self.kind]
        return {job.number: job for job in read(text)}

    def submit(self, script: str, folder: Path) -> str:
        """Hand a script to the queue; return the id of its job.

        Raises:
            IonfaceError: the queue refused it.
        """
        command = "sbatch" if self.kind == "SLURM" else "qsub"
        if not shutil.which(command):
            raise IonfaceError(
                f"{command} is not on the PATH, so nothing can be put into the queue "
                "here; run this on a login node"
            )
        done = subprocess.run(
            [command, script],
            capture_output=True,
            text=True,
            cwd=folder,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        found = re.search(r"(\d+)", done.stdout)
        if done.returncode or found is None:
            said = " ".join((done.stderr or done.stdout).split())
            raise IonfaceError(
                f"{command} refused {folder / script}: {said}; correct "
                "my_qadapter.yaml or resources.yaml, and run `ionface recover`"
            )
        return found[1]


def _squeue(text: str) -> list[QueueJob]:
    found = []
    for line in text.splitlines():
        number, state, name = [*line.strip().split("|", 2), "", ""][:3]
        if number.isdigit():
            found.append(QueueJob(number, state, name))
    return found


def _qstat_pbs(text: str) -> list[QueueJob]:
    """Read the wide form: id, user, queue, name, session, ..., state, elapsed."""
    found = []
    for line in text.splitlines():
        words = line.split()
        number = re.match(r"(\d+)(\[\d*\])?(\.|$)", words[0]) if words else None
        if number is None or len(words) < 6:
            continue
        states = [w for w in words[4:] if re.fullmatch(r"[A-Z]", w)]
        state = states[-1] if states else "?"
        if state not in GONE:
            found.append(QueueJob(number[1], state, words[3]))
    return found


def _qstat_sge(text: str) -> list[QueueJob]:
    """Read: id, priority, name, user, state, date, ..."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 5 and words[0].isdigit():
            found.append(QueueJob(words[0], words[4], words[2]))
    return found


def queue_of(path: Path) -> Queue:
    """Return the queue that my_qadapter.yaml describes; none if it is not there.

    Raises:
        IonfaceError: its `_fw_q_type` is not one of the three.
    """
    if not path.is_file():
        return Queue()
    settings = read_yaml(path)
    kind = str(settings.get("_fw_q_type", ""))
    if kind not in ("SLURM", "PBS", "SGE"):
        raise IonfaceError(
            f"{path}: _fw_q_type: {kind!r} is none of SLURM, PBS, SGE; correct it"
        )
    return Queue(kind, settings)


def own_number(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the id of the batch job that this process runs in."""
    for variable in ("SLURM_JOB_ID", "PBS_JOBID", "JOB_ID"):
        if found := re.match(r"\d+", environment.get(variable, "")):
            return found[0]
    return None
