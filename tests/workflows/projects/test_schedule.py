"""Which job runs next, and what a failure leaves."""

from types import SimpleNamespace

from ionface.workflows.projects.schedule import Schedule


def job(name):
    return SimpleNamespace(uuid=name, name=name)


# a -> b -> c, and d alone; e needs c and d
JOBS = [
    (job("d"), []),
    (job("a"), []),
    (job("b"), ["a"]),
    (job("c"), ["b"]),
    (job("e"), ["c", "d"]),
]


def test_jobs_come_as_they_are_listed():
    schedule = Schedule(JOBS, [])
    assert [schedule.take().name, schedule.take().name] == ["d", "a"]
    assert schedule.take() is None  # b waits for a


def test_the_longest_chain_goes_first():
    schedule = Schedule(JOBS, [], longest_first=True)
    assert [schedule.take().name, schedule.take().name] == ["a", "d"]


def test_a_failure_blocks_what_waits_for_it_and_nothing_else():
    schedule = Schedule(JOBS, ["a"], longest_first=True)
    taken = schedule.take()
    assert taken.name == "b"
    schedule.ended(taken, "broken")
    outcome = schedule.outcome
    assert outcome.failed == {"b": "broken"}
    assert sorted(outcome.blocked) == ["c", "e"]
    last = schedule.take()
    schedule.ended(last, None)
    assert (last.name, outcome.ran, outcome.kept) == ("d", ["d"], ["a"])
    assert outcome.behind == schedule.total
    assert schedule.take() is None
