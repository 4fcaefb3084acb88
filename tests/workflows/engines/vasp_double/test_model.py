import numpy as np
import pytest

from ionface.errors import InputError
from ionface.workflows.engines.vasp_double.model import Model, Surface, model

from .conftest import alloy

SPECIES = tuple(alloy().get_chemical_symbols())


def _point(chosen, scale=1.0):
    atoms = alloy()
    surface = Surface(chosen, SPECIES, all_move=True)
    return surface(scale * np.array(atoms.cell), atoms.get_scaled_positions())


def test_energy_forces_and_stress_belong_together():
    emt = model("emt")
    step = 1e-4
    bigger, smaller = (_point(emt, scale=1 + s).energy for s in (step, -step))
    point = _point(emt)
    volume = alloy().get_volume()
    slope = (bigger - smaller) / (2 * step)
    assert np.trace(point.stress) * volume == pytest.approx(slope, rel=1e-4)
    assert point.forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)


def test_a_shift_counts_atoms_and_is_told():
    shifted = model("emt", shift=-5.0)
    difference = _point(shifted).energy - _point(model("emt")).energy
    assert difference == pytest.approx(-5.0 * len(SPECIES))
    assert "shifted by -5 eV per atom" in shifted.name
    assert "shifted" not in model("emt").name


def test_arguments_reach_the_calculator_and_its_name():
    made = model("ase.calculators.lj.LennardJones", '{"epsilon": 0.5, "rc": 6}')
    assert made.calculator.parameters["epsilon"] == 0.5
    assert "epsilon=0.5" in made.name
    assert "ase" in made.name


def test_the_mean_force_is_taken_off_only_where_all_atoms_move():
    class Wind:
        def get_potential_energy(self, *_args, **_more):
            return 1.0

        def get_forces(self, atoms):
            return np.ones((len(atoms), 3))

        def get_stress(self, atoms):
            raise NotImplementedError

    surface = Surface(Model(Wind(), "wind"), ("Al", "Al"), all_move=True)
    point = surface(np.eye(3) * 5, np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    assert point.forces.tolist() == [[0.0] * 3] * 2
    assert point.drift.tolist() == [2.0] * 3
    assert point.stress is None
    fixed = Surface(Model(Wind(), "wind"), ("Al", "Al"), all_move=False)
    assert fixed(np.eye(3) * 5, np.zeros((2, 3))).forces.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize(
    ("name", "arguments", "word"),
    [
        ("no.such.Thing", "{}", "no.such.Thing"),
        ("ase.calculators.emt.NoEMT", "{}", "NoEMT"),
        ("nothing", "{}", "nothing"),
        ("emt", "{'a': 1}", "JSON"),
    ],
)
def test_what_cannot_be_made_is_refused(name, arguments, word):
    with pytest.raises(InputError, match=word):
        model(name, arguments)


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")
def test_a_pretrained_potential_is_named_with_its_weights():
    pytest.importorskip("sevenn")
    made = model("sevennet")
    assert "SevenNet-0" in made.name
    assert "7052cb42b7b3" in made.name
