"""The named faults: each breaks one thing, then does what a user does."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from case import Case
from observing import Count, ancestors, until


def built_in(name):
    """Return the text of a study that comes with the project."""
    from ionface.workflows import study

    return (Path(study.__file__).parent / "studies" / f"{name}.yaml").read_text()


def nothing(lab):
    """no fault"""
    return Case(lab, "nothing").submit().begin().finish().count()


def kill_worker(lab):
    """kill -9 of the worker (and batch shell, which it replaces)"""
    case = Case(lab, "kill-worker").submit().begin()
    return case.kill(case.worker()).finish().count()


def kill_worker_real(lab):
    """the same with the default heartbeat of 60 s"""
    case = Case(lab, "kill-worker-real", ping=60, expiry_s=90).submit().begin()
    return case.kill(case.worker()).finish(240).count()


def kill_double(lab):
    """kill -9 of VASP"""
    case = Case(lab, "kill-double").submit().begin()
    return case.kill(case.double()).finish().count()


def kill_double_early(lab):
    """kill -9 of VASP before it has written anything"""
    case = Case(lab, "kill-double-early").submit()
    case.light()
    case.launch()
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
    """mongod stopped for 60 s while jobs run and end"""
    case = Case(lab, "outage", number=3, steps=8).submit().begin(2)
    case.break_(lab.mongo.end)
    time.sleep(60)
    kept = len(list(case.project.glob("runs/*dynamics*/result.jsonl")))
    lab.mongo.start()
    return case.finish().count(f"{kept} results waited in their folders")


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
        query = {"state": "FIZZLED"}
        pad = case.cluster.launchpad
        failed = until(lambda: pad.get_fw_ids(query), 60)
        from ionface.workflows.cluster.recovery import may_repeat

        launch = pad.get_fw_dict_by_id(failed[0])["launches"][-1]
        cause = str(may_repeat(launch))
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
        time.sleep(0.5)
    for process in both:
        process.terminate()
        process.wait()
    return case.count()


def worker_frozen(lab):
    """a busy worker gives no sign for 10 s (SIGSTOP), its batch job lives"""
    case = Case(lab, "worker-frozen").submit().begin()
    worker = case.worker()
    case.kill(worker, signal.SIGSTOP)
    time.sleep(10)
    again = case.recover().again
    os.kill(worker, signal.SIGCONT)
    return case.finish().count("taken for lost" if again else "left alone")


def rerun_running(lab):
    """`lpad rerun_fws` on a running job"""
    case = Case(lab, "rerun-running", steps=30).submit().begin()
    case.break_(lambda: lab.lpad("rerun_fws", "-i", case.number()))
    return case.finish().count()


def rerun_done(lab):
    """`lpad rerun_fws` on a finished job"""
    case = Case(lab, "rerun-done").submit().begin().finish()
    case.break_(lambda: lab.lpad("rerun_fws", "-i", case.number()))
    return case.finish().count()


def defuse(lab):
    """`lpad defuse_fws` on a running job, then `reignite_fws`"""
    case = Case(lab, "defuse", steps=30).submit().begin()
    case.break_(lambda: lab.lpad("defuse_fws", "-i", case.number()))
    case.recover()
    lab.lpad("reignite_fws", "-i", case.number())
    return case.finish().count()


def reset(lab):
    """`lpad reset` while a job runs, then `submit` again"""
    case = Case(lab, "reset", steps=30).submit().begin()
    password = time.strftime("%Y-%m-%d")
    case.break_(lambda: lab.lpad("reset", "--password", password))
    return case.submit().finish().count()


def database_away_under_load(lab):
    """mongod away for 60 s, a busy worker killed meanwhile"""
    case = Case(lab, "away-under-load", number=3, steps=12).submit().begin(2)
    worker = case.worker()
    case.break_(lab.mongo.end)
    time.sleep(20)
    case.kill(worker)
    time.sleep(40)
    lab.mongo.start()
    return case.finish(240).count()


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
        file = lab.folder / f"{name}.yaml"  # the stand-in's spheres know no lattice
        file.write_text(f"{built_in(name)}\nlattice: literature\n")
        words = ["submit", file, *options, "--project", folder]
        lab.ionface(*words, environment=environment)
    from ionface.workflows.cluster.connection import connected

    cluster = connected(lab.conf)
    begun = time.monotonic()
    line = f"exec {sys.executable} -m ionface worker --idle 20"
    for _ in range(workers):
        subprocess.run(
            ["sbatch", "-o", lab.folder / "papers-%j.out", "--wrap", line],
            check=True, cwd=lab.folder, capture_output=True,
            env=environment,
        )  # fmt: skip

    def over():
        going = {"state": {"$in": ["READY", "RESERVED", "RUNNING"]}}
        return not cluster.launchpad.get_fw_ids(going, limit=1)

    until(over, 600, 0.5)
    total = cluster.launchpad.get_fw_ids({}, count_only=True)
    done = cluster.launchpad.get_fw_ids({"state": "COMPLETED"}, count_only=True)
    cluster.close()
    return Count(
        "papers", total, done, note=f"{time.monotonic() - begun:.0f} s", faults=0
    )


CASES = [
    nothing,
    kill_worker,
    kill_worker_real,
    kill_double,
    kill_double_early,
    kill_shell,
    scancel,
    walltime,
    outage,
    mongod_killed,
    disk_full,
    two_submits,
    two_recovers,
    node_gone,
    worker_frozen,
    database_away_under_load,
    rerun_running,
    rerun_done,
    defuse,
    reset,
]
