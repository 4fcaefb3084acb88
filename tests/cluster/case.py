"""One study on the lab's cluster, driven and broken as users and machines do."""

import os
import re
import signal
import time
from pathlib import Path

from observing import STEPS, Count, Watcher, ancestors, crystals, doubles, study, until


class Case:
    """One study in a fresh database, and what can be done to it."""

    def __init__(self, lab, name, number=1, steps=STEPS, slow=0.4, **settings):
        self.lab, self.name = lab, name
        self.folder = lab.folder / name
        self.folder.mkdir()
        os.environ["IONFACE_VASP_FAULT"] = f"slow:{slow}"
        os.environ["IONFACE_VASP_CALCULATOR"] = "ase.calculators.emt.EMT"
        self.environment = lab.fresh(name, **settings)
        self.file = self.folder / "study.yaml"
        self.file.write_text(study(name, crystals(self.folder, number), steps))
        self.project = self.folder / "project"
        self.steps, self.noticed = steps, None
        from ionface.workflows.cluster.connection import connected

        self.cluster = connected(lab.conf)
        self.watcher = Watcher(self.folder)
        self.watcher.start()
        self.broken = None

    def submit(self):
        self.lab.ionface("submit", self.file, "--project", self.project, "--no-launch")
        return self

    def light(self):
        """Run the jobs that need no VASP here, as a worker does."""
        from ionface.workflows.cluster.worker import work

        query = {"state": "READY", "spec._ionface.kind": "light"}
        while numbers := self.cluster.launchpad.get_fw_ids(query, limit=1):
            work(self.cluster, numbers[0])

    def begin(self, step=3):
        """Start the dynamics in a batch job and wait until it has made some steps."""
        self.light()
        self.launch()
        until(lambda: self.step() >= step)
        return self

    def launch(self):
        from ionface.workflows.cluster.batch import launch_ready

        return launch_ready(self.cluster)

    def step(self):
        files = self.project.glob("runs/*/*/OSZICAR")
        return sum(len(re.findall(" T= ", f.read_text())) for f in files)

    def double(self):
        return until(lambda: doubles(self.project))[0][0]

    def worker(self):
        for pid in ancestors(self.double()):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"worker" in words:
                return pid
        raise RuntimeError("no worker")

    def break_(self, how):
        how()
        self.broken = time.monotonic()
        return self

    def kill(self, pid, number=signal.SIGKILL):
        return self.break_(lambda: os.kill(pid, number))

    def recover(self):
        from ionface.workflows.cluster.recovery import recover

        recovered = recover(self.cluster)
        if self.noticed is None and self.broken and recovered.again:
            self.noticed = time.monotonic() - self.broken
        return recovered

    def finish(self, limit=150.0):
        """Recover until everything is done."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                self.recover()
                self.light()
                self.launch()
                if self.done() == self.total():
                    break
            except Exception as error:  # noqa: BLE001  the database may be away
                self.last = error
            time.sleep(0.5)
        return self

    def total(self):
        return self.cluster.launchpad.get_fw_ids({}, count_only=True)

    def done(self):
        query = {"state": "COMPLETED"}
        return self.cluster.launchpad.get_fw_ids(query, count_only=True)

    def number(self, task="dynamics"):
        """Return the Firework of a job."""
        (number, *_) = self.cluster.launchpad.get_fw_ids(
            {"spec.task": {"$regex": task}}
        )
        return number

    def count(self, note="", faults=1):
        self.watcher.over.set()
        pad = self.cluster.launchpad
        documents = {d["uuid"] for d in self.cluster.store.query({}, ["uuid"])}
        finished = pad.fireworks.find({"state": "COMPLETED"}, {"spec._ionface": 1})
        uuids = {f["spec"]["_ionface"]["uuid"] for f in finished}
        # a whole result that was written once more was computed once more
        doubled = len(self.watcher.rewritten)
        begun = len(list(self.project.glob("runs/*dynamics*1.????????")))
        wanted = self.steps * begun
        # the first step of each later run repeats the last whole one by design
        runs = len(list(self.project.glob("runs/*/*/OSZICAR")))
        repeated = max(0, self.step() - wanted - max(0, runs - begun))
        total, done = self.total(), self.done()
        self.cluster.close()
        return Count(
            self.name,
            total,
            done,
            len(uuids - documents),
            doubled,
            len(self.watcher.together),
            repeated,
            self.noticed,
            note,
            faults,
        )
