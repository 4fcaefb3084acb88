"""Study, spot checks, learning, and the study again until its potential will do.

Data flow: a study's graph with spot checks -> `next_round` looks at them -> where they
miss the bar, their frames are learnt from, and the same study follows on the learned
potential, in the same Flow. Any manager of jobflow's runs it; every study and every
training goes on from its files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from jobflow import Flow, Job, Response

from ionface.analysis.yardstick.labeled_frames import distinct, stored
from ionface.analysis.yardstick.spot_checks import SpotChecks, is_first_principles
from ionface.errors import IonfaceError
from ionface.workflows.engines.ase.sevennet_training import TrainingSettings
from ionface.workflows.engines.durable import durable_job
from ionface.workflows.flows.naming import named
from ionface.workflows.flows.spot_checks import SPOT_CHECK
from ionface.workflows.flows.study_flow import study_flow
from ionface.workflows.learn import (
    FINE_TUNED,
    GOOD_FORCES,
    Learning,
    can_learn,
    learn,
)
from ionface.workflows.study.study import Study
from ionface.workflows.study.study_files import parse, to_yaml
from ionface.workflows.teachers import check_teacher


@dataclass(frozen=True)
class Bar:
    """When a potential is good enough for a study.

    Attributes:
        force: largest RMSE of forces on frames of the study's own runs, eV/Å.
        slope: smallest slope of these forces.
        rounds: of learning at most.
    """

    force: float = GOOD_FORCES
    slope: float = 0.95
    rounds: int = 3

    def __post_init__(self) -> None:
        """Refuse what no potential reaches, and a loop without a round.

        Raises:
            IonfaceError: names the value and what may be.
        """
        within = (
            ("force", self.force > 0, "an error above 0 eV/Å"),
            ("slope", self.slope <= 1, "1, where forces are exact, or less"),
            ("rounds", self.rounds >= 1, "a round of learning, or more"),
        )
        for name, holds, rule in within:
            if not holds:
                raise IonfaceError(
                    f"Bar({name}={getattr(self, name):g}) is never reached: give {rule}"
                )

    def reached(self, checks: Sequence[SpotChecks]) -> bool:
        """Tell whether every spot check is within it."""
        rows = [each.judgement.overall for each in checks]
        return all(
            row.rmse <= self.force and (row.slope is None or row.slope >= self.slope)
            for row in rows
        )


def learning_flow(
    study: Study,
    bar: Bar | None = None,
    settings: Learning | None = None,
    before: Sequence[Mapping[str, Any]] = (),
) -> Flow:
    """Return the flow of a study that is repeated until its potential is good enough.

    Its output is one line per round: the engine, and the errors of its spot checks,
    which are on frames of that round's own runs and so have not been learnt from.

    Args:
        study: with `spot_checks` by first principles.
        bar: when to stop.
        settings: how to learn; `base` is the potential that every round starts from,
            the study's own if none is told.
        before: rounds that are done, as `next_round` knows them.

    Raises:
        IonfaceError: the study has no spot checks, or no interface to check; its
            potential cannot be fine-tuned; or as `check_teacher` and `study_flow`.
    """
    if study.spot_checks is None:
        raise IonfaceError(
            f"{study.name} has no spot checks to learn from; give it spot_checks: "
            "{engine: gpaw} or vasp"
        )
    graph = study_flow(study)
    jobs = [job for job, _ in graph.iterflow()]
    checks = [j.output for j in jobs if j.metadata.get("result") == SpotChecks.kind]
    learning = _with_base(settings or Learning(), study, jobs)
    check_teacher(study, str(learning.base))
    plain = (asdict(bar or Bar()), asdict(learning))
    after = next_round(checks, to_yaml(study), *plain, list(before))
    named(after, study.name, f"round {len(before) + 1} of learning")
    return Flow([graph, after], output=after.output, name=f"{study.name} learning")


def _with_base(settings: Learning, study: Study, jobs: Sequence[Job]) -> Learning:
    """Return how to learn from what: the potential that is checked, if none is told."""
    if settings.base:
        return settings
    told = [job.metadata for job in jobs]
    roles = {each["role"] for each in told if each.get("part") == SPOT_CHECK}
    names = sorted({str(getattr(study.engines(), role)) for role in roles})
    if len(names) > 1 or not can_learn(names[0]):
        raise IonfaceError(
            f"{study.name} is computed with {' and '.join(names)}; say which potential "
            f"learns, as in Learning(base='sevennet'): {' and '.join(FINE_TUNED)} can"
        )
    return replace(settings, base=names[0])


@durable_job
def next_round(
    checks: list[dict[str, Any]],
    study: str,
    bar: dict[str, Any],
    settings: dict[str, Any],
    before: list[dict[str, Any]],
) -> Any:
    """Return the rounds so far, or go on with the study on a potential that learnt.

    Args:
        checks: SpotChecks of this round, as plain data.
        study: as YAML.
        bar: a Bar as plain data.
        settings: Learning as plain data.
        before: earlier rounds: engine, errors and the spot checks.
    """
    mine, limits = parse(study, "study.yaml"), Bar(**bar)
    found = [SpotChecks.from_dict(check) for check in checks]
    engines = mine.engines()
    names = dict.fromkeys([str(engines.formation), str(engines.dynamics)])
    done = [*before, {"engine": " and ".join(names), "checks": checks}]
    reached = limits.reached(found)
    if reached or len(before) >= limits.rounds:
        return _told(done, "bar reached" if reached else "budget used up")
    if not all(is_first_principles(each.teacher) for each in found):
        return _told(done, "nothing to learn from the spread of two potentials")
    each_round = [SpotChecks.from_dict(c) for one in done for c in one["checks"]]
    frames = [frame for each in each_round for frame in each.frames]
    known = distinct([*stored(), *frames])
    learnt = learn(known, _learning(settings), Path("learning"))
    if learnt.refusals:
        return _told(done, f"learning did not help: {'; '.join(learnt.refusals)}")
    following = replace(mine, engine=learnt.engine)
    flow = learning_flow(following, limits, _learning(settings), done)
    return Response(replace=flow)


def _told(done: Sequence[Mapping[str, Any]], why: str) -> dict[str, Any]:
    """Return what every round has reached, and why there is no further one."""
    rounds = []
    for each in done:
        checks = [SpotChecks.from_dict(check) for check in each["checks"]]
        rows = [check.judgement.overall for check in checks]
        slopes = [row.slope for row in rows if row.slope is not None]
        rounds.append(
            {
                "engine": each["engine"],
                "force_rmse": max(row.rmse for row in rows),
                "slope": min(slopes, default=None),
            }
        )
    return {"rounds": rounds, "ended": why}


def _learning(data: Mapping[str, Any]) -> Learning:
    return Learning(**{**data, "training": TrainingSettings(**data["training"])})
