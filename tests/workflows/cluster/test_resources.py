"""What jobs ask of the queue, and who has the last word."""

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cluster.resources import (
    Requests,
    Resources,
    clock,
    requests,
)


def planned(study):
    from ionface.workflows.cli.cluster_commands import planned_resources

    return planned_resources(study, 24.0)


@pytest.mark.parametrize(
    ("hours", "text"),
    [(24, "24:00:00"), (0.5, "00:30:00"), (0.001, "00:01:00"), (100, "100:00:00"),
     (1 + 1 / 60, "01:01:00")],
)  # fmt: skip
def test_wall_times_are_written_in_whole_minutes_and_never_shorter(hours, text):
    assert clock(hours) == text


def test_the_study_s_own_resources_win_over_the_kind_s_over_the_plan_s():
    asked = Requests(
        planned={"A relax film": Resources(tasks=64, walltime=5)},
        overrides=(
            {"relax": Resources(walltime=8), "all": Resources(queue="short")},
            {"relax": Resources(queue="long")},
        ),
    )
    found = asked.of("A relax film", "relax")
    assert (found.tasks, found.walltime, found.queue) == (64, 8, "long")
    assert asked.of("A rdf", "light").queue == "short"
    assert asked.of("A rdf", "light").walltime == 1


def test_all_segments_of_dynamics_have_the_plan_s_line():
    asked = Requests(planned={"A dynamics": Resources(tasks=64)})
    assert asked.of("A dynamics 1", "dynamics").tasks == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kindz: {}", "unknown key 'kindz'"),
        ("kinds: {relaxation: {nodes: 1}}", "'all', 'relax'"),
        ("kinds: {relax: {node: 1}}", "unknown key 'kinds.relax.node'"),
        ("kinds: {relax: {nodes: many}}", "valid integer"),
        ("kinds: {relax: {nodes: -1}}", "greater than 0"),
        ("kinds: {relax: {queue: 'a; id'}}", "match pattern"),
        ("kinds: 3", "valid dictionary"),
    ],
)
def test_resources_that_cannot_be_are_explained(tmp_path, study, text, message):
    (tmp_path / "resources.yaml").write_text(text)
    with pytest.raises(IonfaceError, match=message):
        requests(study, tmp_path)


def test_a_study_s_section_is_for_it_alone(tmp_path, study):
    (tmp_path / "resources.yaml").write_text(
        f"studies: {{{study.name}: {{all: {{nodes: 3}}}}, "
        "other: {all: {nodes: 9}}}"
    )
    assert requests(study, tmp_path).of("x", "relax").nodes == 3


@pytest.mark.parametrize(("kind", "text"), [("SLURM", "3G"), ("PBS", "3gb")])
def test_memory_is_written_as_the_queue_wants_it(kind, text):
    assert Resources(memory=2.5).for_queue(kind)["mem"] == text


def test_the_plan_gives_cores_and_a_wall_time_within_the_study_s(study):
    from dataclasses import replace

    from ionface.workflows.study.vasp_settings import VaspSettings

    assert planned(study) == {}  # no VASP
    own = VaspSettings(cores=32, walltime=2, k_spacing=1.0)
    found = planned(replace(study, engine="vasp-double", vasp=own))
    (asked,) = found.values()
    assert 1 <= asked.walltime <= 2


@pytest.mark.slow
def test_every_engine_of_a_study_is_planned_and_every_segment_asks_the_same(study):
    from dataclasses import replace

    from ionface.workflows.study.study import EngineNames
    from ionface.workflows.study.study_files import load
    from ionface.workflows.study.vasp_settings import VaspSettings

    whole = load("li-zn")
    mixed = replace(
        whole,
        interfaces=whole.interfaces[:1],
        engine=EngineNames("ase.calculators.lj.LennardJones", "vasp-double"),
        vasp=VaspSettings(cores=32, walltime=2, k_spacing=1.0),
    )
    found = planned(mixed)
    names = [name for name in found if name.endswith(" dynamics")]
    assert names
    assert not any("relax interface" in name for name in found)
    asked = Requests(found)
    for number in (1, 2, 12):
        assert asked.of(f"{names[0]} {number}", "dynamics") == found[names[0]]
