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
        from ionface.workflows.cluster import liveness, reconcile
        from ionface.workflows.cluster.commands import opened

        self.cluster = opened(lab.conf)
        # as on a login node: no process of a job can be seen from here
        reconcile.here = liveness.here = lambda: "login"
        self.watcher = Watcher(self.folder)
        self.watcher.start()
        self.broken = None

    def submit(self):
        self.lab.ionface("submit", self.file, "--project", self.project, "--no-launch")
        return self

    def light(self):
        """Run the jobs that need no VASP here, as a worker does."""
        from ionface.workflows.cluster.worker import Shift, Stopper, run_one

        query = {"state": "READY", "spec._ionface.kind": "light"}
        with Stopper(5).watching() as stopper:
            while found := self.cluster.fireworks.find_one(query, {"fw_id": 1}):
                run_one(self.cluster, found["fw_id"], Shift(), stopper, str)

    def begin(self, step=3):
        """Start the dynamics in a batch job and wait until it has made some steps."""
        self.light()
        self.launch()
        until(lambda: self.step() >= step)
        return self

    def launch(self):
        from ionface.workflows.cluster.launching import launch_ready

        return launch_ready(self.cluster)

    def step(self):
        files = self.project.glob("runs/*/part-*/OSZICAR")
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
        from ionface.workflows.cluster.reconcile import recover

        told = recover(self.cluster)
        if self.noticed is None and self.broken and (told.lost or told.rerun):
            self.noticed = time.monotonic() - self.broken
        return told

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
        return self.cluster.fireworks.count_documents({})

    def done(self):
        return self.cluster.fireworks.count_documents({"state": "COMPLETED"})

    def count(self, note="", faults=1):
        self.watcher.over.set()
        runs = list(self.cluster.runs.find({"ended": "COMPLETED"}))
        numbers = [run["fw_id"] for run in runs]
        aside = len(list((self.lab.conf / "spool" / "superseded").glob("*")))
        documents = {d["uuid"] for d in self.cluster.store.query({}, ["uuid"])}
        finished = list(
            self.cluster.fireworks.find({"state": "COMPLETED"}, {"spec._ionface": 1})
        )
        lost = sum(f["spec"]["_ionface"]["uuid"] not in documents for f in finished)
        wanted = self.steps * len(list(self.project.glob("runs/*dynamics*1.????????")))
        # the first step of each later part repeats the last whole one by design
        parts = len(list(self.project.glob("runs/*/part-*")))
        begun = len(list(self.project.glob("runs/*dynamics*1.????????")))
        repeated = max(0, self.step() - wanted - max(0, parts - begun))
        total, done = self.total(), self.done()
        self.cluster.close()
        return Count(
            self.name,
            total,
            done,
            lost,
            len(numbers) - len(set(numbers)) + aside,
            len(self.watcher.together),
            repeated,
            self.noticed,
            note,
            faults,
        )
