"""What a job of ours says of itself: its name, and metadata by which others find it.

    subject   interface or crystal that it is about
    task      what it does, in words; name = subject + task
    result    kind of result that its output is; None for a step on the way
    kind      relax, static or dynamics for an engine's job; None for our own
    role      whose engine does it: "formation" or "dynamics" of the study
    engine    name of the engine where it is neither of these two
    part      of an interface that it starts from: interface, film, substrate, ...
    like      id of the job whose output has the same atoms as this one's, which is
              only known once engines have run
    takes     "positions" of one of ours that needs no more of the engine's jobs before
              it, so that final structures lying in a folder do, too
    most_atoms  of the cluster that is cut out of them
    steps     of a segment of a run of dynamics
    most_steps  of another job of an engine that moves atoms: it may end earlier

`plan` and `inputs` walk the graph by these, before anything has run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from jobflow import Flow, Job

Step = TypeVar("Step", Job, Flow)


def named(
    step: Step, subject: str, task: str, result: str | None = None, **further: str | int
) -> Step:
    """Give a job its name and metadata.

    Args:
        step: changed in place and returned. A flow that stands where a job is
            expected (a Maker may make one) passes its metadata to all its jobs.
        subject: as above.
        task: as above.
        result: as above.
        further: kind, role, engine, part, like, takes, most_atoms, steps,
            most_steps.
    """
    metadata = {"subject": subject, "task": task, "result": result, **further}
    step.name = f"{subject} {task}"
    if isinstance(step, Flow):
        for job, _ in step.iterflow():
            job.metadata.update({**metadata, "result": None})
            job.name = f"{step.name}: {job.name}"
    else:
        step.metadata = metadata
    return step


def jobs_of(flow: Flow) -> Iterator[Job]:
    """Yield the jobs of a flow and its flows, in their order."""
    for part in flow.jobs:
        if isinstance(part, Flow):
            yield from jobs_of(part)
        else:
            yield part
