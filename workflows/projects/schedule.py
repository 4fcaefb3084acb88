"""Which job may run next, and what became of the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobflow import Job

JobsAndParents = Sequence[tuple["Job", list[str]]]


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        ran: names of jobs that ran to their end now.
        kept: names of jobs that had been done before.
        failed: message of each job that failed.
        blocked: names of jobs that wait for a failed one.
    """

    ran: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)

    @property
    def behind(self) -> int:
        """Return how many jobs need no more work in this run."""
        return sum(map(len, (self.ran, self.kept, self.failed, self.blocked)))


class Schedule:
    """Hands out jobs whose parents are done.

    Args:
        jobs: with the ids of their parents, parents first.
        done: ids of jobs that had been done before.
        longest_first: a job with a longer chain of jobs behind it goes first, so that
            nobody waits for that chain at the end; else as the jobs are listed.
    """

    def __init__(
        self, jobs: JobsAndParents, done: Iterable[str], *, longest_first: bool = False
    ) -> None:
        self.outcome = Outcome()
        self.total = len(jobs)
        self._done = set(done)
        self._stuck: set[str] = set()
        self._open: list[tuple[Job, list[str]]] = []
        for job, parents in jobs:
            if job.uuid in self._done:
                self.outcome.kept.append(job.name)
            else:
                self._open.append((job, parents))
        if longest_first:
            ahead = _jobs_ahead(jobs)
            # stable: parents stay before their children, equals as they are listed
            self._open.sort(key=lambda pair: -ahead[pair[0].uuid])

    def take(self) -> Job | None:
        """Return a job that may run now, which is the caller's from now on."""
        for place, (job, parents) in enumerate(self._open):
            if self._done.issuperset(parents):
                del self._open[place]
                return job
        return None

    def ended(self, job: Job, failure: str | None) -> None:
        """Note how a job ended: its message if it failed, which blocks its children."""
        if failure is None:
            self._done.add(job.uuid)
            self.outcome.ran.append(job.name)
            return
        self.outcome.failed[job.name] = failure
        self._stuck.add(job.uuid)
        waiting = []
        for child, parents in self._open:
            if self._stuck.intersection(parents):
                self._stuck.add(child.uuid)
                self.outcome.blocked.append(child.name)
            else:
                waiting.append(child.uuid)
        self._open = [pair for pair in self._open if pair[0].uuid in waiting]


def _jobs_ahead(jobs: JobsAndParents) -> dict[str, int]:
    """Return how long the longest chain is that begins with each job."""
    ahead = {job.uuid: 1 for job, _ in jobs}
    for job, parents in reversed(jobs):
        for parent in parents:
            if parent in ahead:
                ahead[parent] = max(ahead[parent], ahead[job.uuid] + 1)
    return ahead
