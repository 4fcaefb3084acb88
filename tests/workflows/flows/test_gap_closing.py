"""A gap is closed to the minimum that is met from outside."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.optimize import BFGS

from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer
from ionface.workflows.engines.ase.atoms import atoms_of
from ionface.workflows.engines.registry import engine
from ionface.workflows.flows.gap_closing import STEP, close_gap, closed_gap
from ionface.workflows.flows.models import ModelBuilder, gap_notes
from ionface.workflows.flows.registry_scan import LEAST_GAP
from ionface.workflows.study.study import Study


def morse(gap, at=2.1):
    return (1 - np.exp(-1.5 * (gap - at))) ** 2


def test_the_gap_is_that_of_lowest_energy():
    for at in (1.7, 2.1, 2.66):
        assert closed_gap(3.1, lambda g, at=at: morse(g, at)) == pytest.approx(
            at, abs=0.02
        )


def test_a_hole_further_in_is_not_fallen_into():
    hole = lambda gap: morse(gap) - 1e3 * (gap < 1.6)  # noqa: E731
    assert closed_gap(3.1, hole) == pytest.approx(2.1, abs=0.02)


def test_sides_that_do_not_feel_each_other_yet_are_brought_nearer():
    cut = lambda gap: morse(min(gap, 2.8))  # noqa: E731 - a potential with a cutoff
    assert closed_gap(3.6, cut) == pytest.approx(2.1, abs=0.02)


def test_sides_that_repel_each_other_stay_apart():
    assert closed_gap(3.0, lambda gap: 1 / gap) == pytest.approx(3.45)


def test_sides_that_attract_at_any_distance_stop_before_they_meet():
    assert LEAST_GAP <= closed_gap(3.0, lambda gap: gap) < LEAST_GAP + STEP


def crystal(name, a, **more):
    cell = bulk(name, more.pop("kind", "fcc"), a=a, cubic=True)
    return CrystalLayer(cell, (1, 0, 0), name=name, lattice={"a": a}, **more)


COPPER = InterfaceSpec(
    "Cu|Al",
    crystal("Al", 4.0, layers=3),
    crystal("Cu", 3.59, layers=3),
    max_strain=0.06,
    max_area=80,
)
SALT = InterfaceSpec(
    "Na|NaCl",
    crystal("Na", 4.19, kind="bcc", layers=4),
    crystal("NaCl", 5.66, kind="rocksalt", layers=3),
    max_strain=0.06,
    max_area=80,
)


def relaxed_gap(model, calculator):
    """Return the gap after all atoms have come to rest, Å."""
    atoms = atoms_of(model.structure)
    atoms.calc = calculator
    BFGS(atoms, logfile=None).run(fmax=0.1, steps=100)
    film = np.array(model.phases) == model.film_phase
    return atoms.positions[film, 2].min() - atoms.positions[~film, 2].max()


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (COPPER, "ase.calculators.emt.EMT"),
        pytest.param(
            SALT,
            "sevennet",
            marks=[
                pytest.mark.slow,
                pytest.mark.mlip,
                pytest.mark.filterwarnings("ignore"),  # of torch
            ],
        ),
    ],
)
def test_a_closed_gap_is_nearly_the_relaxed_one(spec, name):
    by = engine(name)
    guess = build_interface(spec)
    closed = close_gap.original(guess, by).model
    relaxed = relaxed_gap(closed, by.calculator())
    assert closed.gap == pytest.approx(relaxed, abs=0.3)
    assert guess.gap - relaxed > 0.3
    assert guess.summary()["gap_from"] == "atomic radii"
    told = closed.summary()["gap_from"]
    assert told.startswith("lowest energy of the rigid sides, ")
    assert by.level_of_theory().label in told


EMT = engine("ase.calculators.emt.EMT")


@pytest.mark.parametrize(
    ("change", "number"),
    [({}, 2), ({"gap": 2.4}, 1), ({"vacuum": 0}, 2), ({"film": PolymerLayer("CO")}, 1)],
)
def test_a_gap_is_closed_where_it_is_guessed_between_crystals(change, number):
    models = ModelBuilder(lambda _: EMT).models(replace(COPPER, **change))
    assert len(models.jobs) == number


def study_of(name, spec=COPPER):
    return Study("s", (replace(spec, name="wide"), replace(spec, name="own", gap=2.0)),
                 engine=name)  # fmt: skip


def test_a_guessed_gap_is_told_where_no_engine_closes_it():
    dear, cheap = study_of("vasp"), study_of("ase.calculators.emt.EMT")
    (note,) = gap_notes(dear)
    assert note.startswith("gap of wide: guessed from atomic radii, about 1 Å wider")
    assert "vasp" in note
    assert gap_notes(dear, built_alone=True) == [note]
    assert gap_notes(cheap) == []
    (note,) = gap_notes(cheap, built_alone=True)
    assert "`run` closes it to the lowest energy of the rigid sides with emt" in note
