import numpy as np
import pytest

from ionface.analysis.figures.checks_figure import figure_checks
from ionface.analysis.figures.style import png
from ionface.analysis.run_checks.run_checks import check_run
from ionface.analysis.trajectory.frames import Segment
from ionface.analysis.trajectory.trajectory import Trajectory


@pytest.fixture
def run():
    rng = np.random.default_rng(0)
    steps = np.arange(400)
    segment = Segment(
        steps=steps,
        times_fs=2.0 * steps,
        lattices=np.eye(3)[None] * 12,
        positions=5 + rng.normal(0, 0.1, (400, 64, 3)),
        scalars={
            "temperature": 300 + 30 * rng.normal(size=400),
            "conserved": 1e-4 * rng.normal(size=400),
            "potential_energy": -100 + rng.normal(size=400),
        },
    )
    return Trajectory(species=("Na",) * 64, segments=(segment,))


def shown(figure):
    return "\n".join(t.get_text() for axes in figure.axes for t in axes.texts)


def test_the_verdict_of_every_check_stands_beside_the_curves(run):
    checks = check_run(run, 300.0)
    figure = figure_checks(checks)
    assert png(figure).startswith(b"\x89PNG")
    assert f"The run is {checks.verdict.partition(':')[0]}" in shown(figure)
    for check in checks.checks:
        assert check.name in shown(figure)


def test_without_temperatures_and_energies_the_figure_says_so(run):
    bare = Trajectory(
        species=run.species,
        segments=(
            Segment(
                run.segments[0].steps,
                run.segments[0].times_fs,
                run.segments[0].lattices,
                run.segments[0].positions,
            ),
        ),
    )
    figure = figure_checks(check_run(bare, 300.0))
    assert png(figure).startswith(b"\x89PNG")
    text = shown(figure)
    assert "no temperatures stored" in text
    assert "no energies stored" in text
    assert "Not all is known" in text
    assert not any(axes.axison for axes in figure.axes)  # no empty scales
