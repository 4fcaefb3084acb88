"""How long a study takes by potentials: steps times a measured step."""

import pytest

from ionface.workflows.planning.duration import (
    JobTime,
    durations,
    in_words,
    is_worth_telling,
    summary,
)
from ionface.workflows.planning.walk import GraphWalk
from ionface.workflows.study.study_files import load


def test_every_job_of_a_potential_is_timed_by_its_atoms_and_steps(study_file):
    study = load(str(study_file))
    asked = []

    def measured(engine, structure):
        asked.append((engine.name, len(structure)))
        return 0.5 * len(structure)

    times = {each.name: each for each in durations(study, measured=measured)}
    (dearest,) = asked  # one engine, measured once, where it costs most
    assert dearest == ("emt", times["Al|Ag relax interface"].atoms)
    run = times["Al|Ag dynamics 1"]
    assert run.steps == 12
    assert run.seconds == pytest.approx(12 * run.atoms * 0.5)
    assert times["Al|Ag static film"].steps == 1
    assert times["Al|Ag relax film"].atoms < times["Al|Ag relax interface"].atoms
    assert times["Al|Ag relax interface"].steps == 150
    assert times["Al|Ag pre-relax"].steps == 3
    total = sum(each.seconds for each in times.values())
    assert summary(times.values()).startswith(
        f"about {in_words(total)} on this machine"
    )


def test_a_step_is_measured_here(study_file):
    assert all(0 < each.seconds < 60 for each in durations(load(str(study_file))))


def test_only_long_studies_are_worth_telling(study_file):
    study = load(str(study_file))
    assert not is_worth_telling(study, GraphWalk(study))
    text = study_file.read_text().replace("steps: 30", "steps: 3000")
    study_file.write_text(text.replace("segment: 12", "segment: 1000"))
    study = load(str(study_file))
    assert is_worth_telling(study, GraphWalk(study))


def test_jobs_of_vasp_are_not_timed_as_potentials(study_file):
    study = load(str(study_file)).with_engine("vasp-double")
    assert durations(study) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3, "3 s"), (130, "2 min"), (7200, "2 h"), (80_000, "22 h"), (400_000, "5 days")],
)
def test_times_are_told_in_the_unit_that_people_use(seconds, words):
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(202.4, "3 min for 23"), (12.3, "12 s for"), (3.31, "3.3 s for")],
)
def test_a_step_is_told_in_such_units_too(seconds, words):
    told = summary([JobTime("a", "gpaw", 23, 1, seconds, 1, 0.5)])
    assert words in told
    assert "on 1 core with 0.5 GB" in told
