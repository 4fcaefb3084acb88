"""Random faults, one after another, over a study of thirty jobs."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from case import Case
from observing import ancestors, doubles


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
