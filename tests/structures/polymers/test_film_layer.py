import numpy as np
import pytest

from ionface.structures.polymers.film_layer import stages
from ionface.structures.specs import AmorphousLayer, FilmLayer


def test_a_film_relaxes_moves_cools_and_comes_to_rest():
    found = stages(FilmLayer("CCO", chains=2))
    assert [stage.kind for stage in found] == ["relax", "dynamics", "dynamics", "relax"]
    assert [stage.temperature for stage in found] == [None, 600, 300, None]
    # hydrogen's stretches have periods of 11 fs: a tenth at most
    assert all(s.timestep <= 1.0 for s in found if s.kind == "dynamics")
    assert found[0].fmax > found[-1].fmax
    assert not any(stage.periodic for stage in found)


def test_an_alloy_melts_and_is_quenched_as_a_bulk_then_rests_open():
    layer = AmorphousLayer(
        {"Ga": 1}, 6.0, 10, melt=1000, melt_steps=70, quench_steps=52
    )
    found = stages(layer)
    dynamics = [stage for stage in found if stage.kind == "dynamics"]
    temperatures = [stage.temperature for stage in dynamics]
    assert temperatures[0] == 1000
    assert temperatures[-1] == 300
    assert (np.diff(temperatures) < 0).all()
    assert dynamics[0].steps == 70
    assert sum(stage.steps for stage in dynamics[1:]) == 52
    assert [stage.periodic for stage in found] == [True] * (len(found) - 1) + [False]
    assert {stage.timestep for stage in dynamics} == {2.0}
    assert len({stage.name for stage in found}) == len(found)


@pytest.mark.parametrize(
    ("melt", "temperatures"), [(300, [300, 300]), (250, [250, 300])]
)
def test_a_melt_below_room_temperature_has_one_quench(melt, temperatures):
    found = stages(AmorphousLayer({"Ga": 1}, 6.0, 10, melt=melt))
    assert [s.temperature for s in found if s.kind == "dynamics"] == temperatures


def test_few_steps_make_few_stages():
    found = stages(AmorphousLayer({"Ga": 1}, 6.0, 10, quench_steps=3))
    assert sum(s.steps for s in found if s.name.startswith("quench")) == 3
    assert found[-2].temperature == 300


def test_hydrogen_shortens_the_timestep():
    found = stages(AmorphousLayer({"Ga": 1, "H": 0.1}, 6.0, 10, timestep=2.0))
    assert {s.timestep for s in found if s.kind == "dynamics"} == {1.0}
