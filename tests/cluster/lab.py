"""A real Slurm and a real MongoDB on this machine, on loopback, as root.

For tests only. Both keep everything in one folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from daemons import Mongo, Slurm
from packages import why_not

__all__ = ["Lab", "LabError", "why_not"]


class LabError(Exception):
    """The daemons do not come up on this machine."""


class Lab:
    """Both, with a configuration of ionface for them."""

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        self.mongo = Mongo(self.folder / "mongo")
        self.slurm = Slurm(self.folder / "slurm")
        self.settings = {
            "expiry_s": 5,
            "blind_expiry_s": 10,
            "grace_s": 4,
            "reserve_s": 5,
            "patience_s": 300,
            **settings,
        }
        self.conf = self.folder / "conf"
        self.database = 0

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.mongo.start()
            self.slurm.start()
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            self.__exit__()
            raise LabError(f"{error}: {getattr(error, 'stderr', '')}") from error
        return self

    def __exit__(self, *error):
        self.slurm.end()
        self.mongo.end()

    def fresh(
        self, name=None, resources="kinds: {all: {walltime: 0.3}}", ping=2, **settings
    ):
        """Write a configuration with an empty database; return our environment."""
        self.database += 1
        name = name or f"lab{self.database}"
        self.conf = self.folder / f"conf-{name}"
        self.ionface(
            "init-cluster",
            "--folder",
            self.conf,
            "--port",
            self.mongo.port,
            "--database",
            name,
            "--vasp-cmd",
            f"{sys.executable} -m ionface.workflows.engines.vasp_double",
        )
        (self.conf / "resources.yaml").write_text(resources + "\n")
        path = self.conf / "ionface.yaml"
        told = {**self.settings, **settings}
        path.write_text("\n".join(f"{k}: {json.dumps(v)}" for k, v in told.items()))
        config = self.conf / "FW_config.yaml"
        text = config.read_text().replace(
            "PING_TIME_SECS: 60", f"PING_TIME_SECS: {ping}"
        )
        locks = "WFLOCK_EXPIRATION_SECS: 60", "WFLOCK_EXPIRATION_SECS: 10"
        config.write_text(text.replace(*locks))
        adapter = self.conf / "my_qadapter.yaml"
        adapter.write_text(adapter.read_text().replace("B:USR1@300", "B:USR1@5"))
        os.environ["IONFACE_CLUSTER"] = str(self.conf)
        return self.environment()

    def environment(self, **more):
        return {
            **os.environ,
            "IONFACE_CLUSTER": str(self.conf),
            "SLURM_CONF": str(self.slurm.conf),
            "OMP_NUM_THREADS": "1",
            "IONFACE_VASP_CALCULATOR": "ase.calculators.emt.EMT",
            **more,
        }

    def ionface(self, *words, check=True, environment=None, **options):
        done = subprocess.run(
            [sys.executable, "-m", "ionface", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=self.folder,
            env=environment or self.environment(),
            check=False,
            **options,
        )
        if check and done.returncode:
            raise RuntimeError(f"ionface {words}: {done.stdout}{done.stderr}")
        return done

    def lpad(self, *words):
        """Run FireWorks' own command."""
        program = "from fireworks.scripts.lpad_run import lpad; lpad()"
        file = self.conf / "my_launchpad.yaml"
        subprocess.run(
            [sys.executable, "-c", program, "-l", file, *map(str, words)],
            capture_output=True,
            timeout=120,
            cwd=self.folder,
            env={
                **self.environment(),
                "FW_CONFIG_FILE": str(self.conf / "FW_config.yaml"),
            },
            check=True,
            input=b"y\n",
        )

    def start(self, *words, environment=None):
        log = (self.folder / "processes.log").open("a")
        return subprocess.Popen(
            [sys.executable, "-m", "ionface", *map(str, words)],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=environment or self.environment(),
        )
