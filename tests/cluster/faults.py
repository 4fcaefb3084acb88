"""Faults on a real Slurm and a real MongoDB, each with what was lost: run by hand.

    python tests/cluster/faults.py [--only NAME] [--rounds N] [--write docs/cluster.md]

Needs root. Every case submits a study, lets VASP's stand-in run in a batch job, breaks
something, and then does what a user does: `ionface recover`, until all is done. Counted
are finished jobs that were lost, jobs computed more than once, jobs of which two ran at
the same time, and steps of dynamics that were computed again.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(Path(__file__).parent))

from lab import Lab, why_not  # noqa: E402

STEPS = 12
DOUBLE = b"workflows.vasp_double"


def study(name, crystals=("Al",), steps=STEPS):
    """Return a study of five jobs per crystal, one of them VASP's dynamics."""
    lines = [f"name: {name}", "engine: vasp-double", "interfaces: []", "references:"]
    lines += [
        f"  - {{crystal: {c}, pairs: [Al-Al], steps: {steps}, min_atoms: 4}}"
        for c in crystals
    ]
    return "\n".join([*lines, "vasp: {k_spacing: 1.0, walltime: 0.25}"]) + "\n"


def crystals(folder, number):
    """Write cells of aluminum that differ by a hair, so that no two jobs are one."""
    from pymatgen.core import Lattice, Structure

    found = []
    for index in range(number):
        cell = Lattice.cubic(4.05 + 0.001 * index)
        path = folder / f"Al{index}.cif"
        structure = Structure.from_spacegroup("Fm-3m", cell, ["Al"], [[0, 0, 0]])
        structure.to(str(path), fmt="cif")
        found.append(path.name)
    return found


@dataclass
class Count:
    """What a case ended with."""

    name: str
    jobs: int = 0
    done: int = 0
    lost: int = 0
    doubled: int = 0
    together: int = 0
    repeated: int = 0
    noticed_s: float | None = None
    note: str = ""
    faults: int = 1
    wall_s: float = 0.0

    @property
    def good(self):
        return self.done == self.jobs and not (
            self.lost or self.doubled or self.together
        )


class Watcher(threading.Thread):
    """Sees whether two programs work on one job at the same time."""

    def __init__(self, below):
        super().__init__(daemon=True)
        self.below, self.together, self.over = below, set(), threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            seen = {}
            for pid, folder in doubles(self.below):
                seen.setdefault(folder.parent, []).append(pid)
            for folder, pids in seen.items():
                if len(pids) > 1:
                    self.together.add((folder.name, *sorted(pids)))


def doubles(below=None):
    """Return running stand-ins: process and folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            folder = (path / "cwd").resolve(strict=True)
        except OSError:
            continue
        if DOUBLE in words and (below is None or folder.is_relative_to(below)):
            found.append((int(path.name), folder))
    return found


def ancestors(pid):
    while pid > 1:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return
        pid = int(stat.rpartition(")")[2].split()[1])
        yield pid


def until(condition, limit=90.0, every=0.1):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(every)
    raise TimeoutError(getattr(condition, "__name__", "condition"))


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
        from workflows.cluster import liveness, reconcile
        from workflows.cluster.commands import opened

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
        from workflows.cluster.worker import Shift, Stopper, run_one

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
        from workflows.cluster.launching import launch_ready

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
        from workflows.cluster.reconcile import recover

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
        return Count(
            self.name,
            self.total(),
            self.done(),
            lost,
            len(numbers) - len(set(numbers)) + aside,
            len(self.watcher.together),
            repeated,
            self.noticed,
            note,
            faults,
        )


# --- the cases ------------------------------------------------------------------------


def nothing(lab):
    """no fault"""
    return Case(lab, "nothing").submit().begin().finish().count()


def kill_worker(lab):
    """kill -9 of the worker (and batch shell, which it replaces)"""
    case = Case(lab, "kill-worker").submit().begin()
    return case.kill(case.worker()).finish().count()


def kill_worker_real(lab):
    """the same with the default heartbeat of 60 s"""
    case = Case(lab, "kill-worker-real", heartbeat_s=60, expiry_s=90).submit().begin()
    return case.kill(case.worker()).finish(240).count()


def kill_double(lab):
    """kill -9 of VASP"""
    case = Case(lab, "kill-double").submit().begin()
    return case.kill(case.double()).finish().count()


def kill_shell(lab):
    """kill -9 of the batch job's shepherd (slurmstepd); the worker is an orphan"""
    case = Case(lab, "kill-shell").submit().begin()
    shepherd = next(p for p in ancestors(case.worker()))
    return case.kill(shepherd).finish().count("the orphan ends its job itself")


def scancel(lab):
    """scancel"""
    case = Case(lab, "scancel").submit().begin()
    number = lab.slurm.jobs()[0]
    return (
        case.break_(lambda: subprocess.run(["scancel", number], check=True))
        .finish()
        .count()
    )


def walltime(lab):
    """wall time reached"""
    case = Case(
        lab,
        "walltime",
        steps=150,
        slow=0.6,
        reserve_s=25,
        resources="kinds: {all: {walltime: 0.016}}",
    )
    case.submit().begin().break_(lambda: None)
    return case.finish(300).count("went on in new batch jobs")


def outage(lab):
    """mongod stopped for 60 s while jobs end"""
    case = Case(lab, "outage", number=3, steps=8).submit().begin(2)
    case.break_(lab.mongo.end)
    time.sleep(60)
    spooled = len(list((lab.conf / "spool").glob("*.result")))
    lab.mongo.start()
    return case.finish().count(f"{spooled} results waited in the spool")


def mongod_killed(lab):
    """mongod kill -9, back after 5 s"""
    case = Case(lab, "mongod-killed").submit().begin()
    case.break_(lambda: lab.mongo.end(signal.SIGKILL))
    time.sleep(5)
    lab.mongo.start()
    return case.finish().count()


def disk_full(lab):
    """launch directory full"""
    case = Case(lab, "disk-full", slow=0.1)
    disk = case.folder / "project"
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", disk], check=True
    )
    try:
        case.submit()
        case.light()
        (disk / "ballast").write_bytes(b"")
        filler = (disk / "ballast").open("ab")
        case.launch()
        until(lambda: case.step() >= 2)
        try:
            while filler.write(b"0" * 4096):
                filler.flush()
        except OSError:
            case.break_(lambda: None)
        said = until(lambda: list(case.cluster.runs.find({"again": "disk"})), 60)
        cause = str(said[0]["cause"])
        filler_path = disk / "ballast"
        with suppress(OSError):
            filler.close()
        filler_path.unlink()
        case.finish()
        told = "reported as such" if "full" in cause else cause
        return case.count(told)
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def two_submits(lab):
    """two `submit` at once"""
    case = Case(lab, "two-submits", slow=0)
    both = [
        lab.start("submit", case.file, "--no-launch", "--project", case.folder / name)
        for name in ("project", "other")
    ]
    codes = sorted(process.wait() for process in both)
    if not (case.project / "submission.json").exists():
        case.project = case.folder / "other"
    note = f"exit status {codes[0]} and {codes[1]}"
    return case.finish().count(note)


def two_recovers(lab):
    """two `recover` at once, after a kill -9"""
    case = Case(lab, "two-recovers").submit().begin()
    case.kill(case.worker())
    both = [lab.start("recover", "--watch", "--every", "1") for _ in range(2)]
    end = time.monotonic() + 150
    while case.done() < case.total() and time.monotonic() < end:
        if case.noticed is None and case.cluster.runs.find_one({"ended": "lost"}):
            case.noticed = time.monotonic() - case.broken
        time.sleep(0.5)
    for process in both:
        process.terminate()
        process.wait()
    return case.count()


def node_gone(lab):
    """the node disappears (slurmd and everything on it killed)"""
    case = Case(lab, "node-gone").submit().begin()
    worker, double = case.worker(), case.double()
    shepherd = next(p for p in ancestors(worker))

    def vanish():
        os.kill(lab.slurm.pid("slurmd"), signal.SIGKILL)
        for pid in (shepherd, worker, double):
            os.kill(pid, signal.SIGKILL)

    case.break_(vanish)
    time.sleep(2)
    subprocess.run(
        ["scontrol", "update", "NodeName=n1", "State=DOWN", "Reason=gone"], check=True
    )
    case.recover()
    lab.slurm.start_node()
    return case.finish().count()


def papers(lab, workers=3):
    """both papers' studies (--quick), three workers in the queue"""
    os.environ["IONFACE_VASP_FAULT"] = "slow:0"
    lab.fresh("papers")
    environment = lab.environment(IONFACE_VASP_CALCULATOR="spheres")
    options = ["--quick", "--engine", "vasp-double", "--no-plan", "--no-launch"]
    for name in ("lagp-pdol-li", "lpscl-in"):
        folder = lab.folder / name
        words = ["submit", name, *options, "--project", folder]
        lab.ionface(*words, environment=environment)
    from workflows.cluster.commands import opened

    cluster = opened(lab.conf)
    begun = time.monotonic()
    line = f"exec {sys.executable} -m workflows worker --idle 20"
    for _ in range(workers):
        subprocess.run(
            ["sbatch", "-o", lab.folder / "papers-%j.out", "--wrap", line],
            check=True, cwd=lab.folder, capture_output=True,
            env=environment,
        )  # fmt: skip

    def over():
        going = {"state": {"$in": ["READY", "RESERVED", "RUNNING"]}}
        return not cluster.fireworks.count_documents(going)

    until(over, 600, 0.5)
    total = cluster.fireworks.count_documents({})
    done = cluster.fireworks.count_documents({"state": "COMPLETED"})
    return Count(
        "papers", total, done, note=f"{time.monotonic() - begun:.0f} s", faults=0
    )


CASES = [
    nothing,
    kill_worker,
    kill_worker_real,
    kill_double,
    kill_shell,
    scancel,
    walltime,
    outage,
    mongod_killed,
    disk_full,
    two_submits,
    two_recovers,
    node_gone,
]


def soak(lab, rounds=100, number=6, seed=0):
    """random faults over a 30-job study"""
    draw = random.Random(seed)
    steps = max(20, 3 * rounds)
    case = Case(
        lab, "soak", number=number, steps=steps, slow=0.5, reruns=10_000
    ).submit()
    faults = {
        "worker": 0,
        "double": 0,
        "scancel": 0,
        "mongod": 0,
        "recover": 0,
        "submit": 0,
    }
    end = time.monotonic() + 30 * rounds
    struck, extra = 0, []
    while time.monotonic() < end:
        try:
            case.recover()
            case.light()
            case.launch()
            if case.done() == case.total():
                break
        except Exception as error:  # noqa: BLE001
            case.last = error
        if struck < rounds:
            kind = draw.choice(list(faults))
            if _strike(lab, case, kind, draw, extra):
                faults[kind] += 1
                struck += 1
        elif case.steps and os.environ["IONFACE_VASP_FAULT"] != "slow:0":
            os.environ["IONFACE_VASP_FAULT"] = "slow:0"
        time.sleep(draw.uniform(0.2, 1.5))
    for process in extra:
        process.wait()
    told = ", ".join(f"{n} {k}" for k, n in faults.items())
    return case.count(told, struck)


def _strike(lab, case, kind, draw, extra):
    running = doubles(case.project)
    try:
        if kind in ("worker", "double") and running:
            pid, _ = draw.choice(running)
            if kind == "worker":
                pid = next(
                    p
                    for p in ancestors(pid)
                    if b"worker" in Path(f"/proc/{p}/cmdline").read_bytes()
                )
            os.kill(pid, signal.SIGKILL)
        elif kind == "scancel" and (jobs := lab.slurm.jobs()):
            subprocess.run(["scancel", draw.choice(jobs)], check=False)
        elif kind == "mongod":
            lab.mongo.end(draw.choice([signal.SIGKILL, signal.SIGTERM]))
            time.sleep(draw.uniform(0, 3))
            lab.mongo.start()
        elif kind in ("recover", "submit"):
            words = (
                ["recover"]
                if kind == "recover"
                else ["submit", case.file, "--project", case.project]
            )
            if sum(p.poll() is None for p in extra) > 1:
                return False
            extra.append(lab.start(*words))
        else:
            return False
    except (OSError, StopIteration):
        return False
    return True


def table(counts):
    lines = [
        "| fault | jobs done | finished jobs lost | computed twice | two at once | "
        "steps repeated | noticed after, s | remark |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in counts:
        noticed = "-" if c.noticed_s is None else f"{c.noticed_s:.0f}"
        lines.append(
            f"| {c.name} | {c.done} of {c.jobs} | {c.lost} | {c.doubled} "
            f"| {c.together} | {c.repeated} | {noticed} | {c.note} |"
        )
    return "\n".join(lines) + "\n"


def write_table(path, counts):
    """Put the table between the marks of a document."""
    text = path.read_text()
    begin, end = "<!-- faults -->\n", "<!-- end of faults -->"
    head, _, rest = text.partition(begin)
    path.write_text(head + begin + table(counts) + end + rest.partition(end)[2])


def run(case, lab, **options):
    begun = time.monotonic()
    count = case(lab, **options)
    count.name = case.__doc__.strip()
    count.wall_s = time.monotonic() - begun
    return count


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=0, help="of random faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--keep", type=Path, help="folder of the lab, kept")
    options = parser.parse_args()
    if reason := why_not():
        sys.exit(f"no lab here: {reason}")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="ionface-lab-"))
    counts = []
    with Lab(folder) as lab:
        for case in [*CASES, papers]:
            if options.only and case.__name__ not in options.only:
                continue
            counts.append(run(case, lab))
            say(json.dumps(counts[-1].__dict__))
        if options.rounds:
            counts.append(run(soak, lab, rounds=options.rounds, seed=options.seed))
            counts[-1].name = f"{counts[-1].faults} random faults, 30 jobs"
            say(json.dumps(counts[-1].__dict__))
    say(table(counts))
    if options.write:
        write_table(options.write, counts)
    sys.exit(not all(count.good for count in counts))


if __name__ == "__main__":
    main()
