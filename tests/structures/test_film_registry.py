"""Registry: periods, symmetry and gaps, against energies of every grid point."""

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.film_registry import registry_grid, shifted, touching, with_gap
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec

SPECS = {
    "In on LPSCl": InterfaceSpec(
        "a",
        CrystalLayer("In", (0, 0, 1), layers=3),
        CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1),
        max_strain=0.02,
        max_area=120,
    ),
    "Li(110) on LiF(100)": InterfaceSpec(
        "b",
        CrystalLayer("Li", (1, 1, 0), layers=3),
        CrystalLayer("LiF", (1, 0, 0), layers=3),
        max_strain=0.06,
        max_area=150,
    ),
    "sandwich": InterfaceSpec(
        "c",
        CrystalLayer("LiF", (1, 1, 1), layers=2),
        CrystalLayer("LiCl", (1, 1, 1), layers=2),
        max_strain=0.08,
        max_area=60,
        vacuum=0,
    ),
}


@pytest.fixture(scope="module", params=list(SPECS))
def model(request):
    return build_interface(SPECS[request.param])


def energy(model):
    """Return a sum over pairs across the interface, of any smooth form."""
    first, second, _, r = model.structure.get_neighbor_list(7.0)
    z = np.array([site.specie.Z for site in model.structure])
    phases = np.array(model.phases)
    across = phases[first] != phases[second]
    weights = np.sqrt(z[first] * z[second])[across]
    return float((weights * np.exp(-r[across]) * (1 - r[across] / 7) ** 2).sum())


def test_every_grid_point_has_the_energy_of_its_irreducible_one(model):
    grid = registry_grid(model, 0.7)
    every = np.array(
        [[energy(shifted(model, tuple(s))) for s in row] for row in grid.shifts()]
    )
    few = np.array([energy(shifted(model, p.shift)) for p in grid.points])
    assert every == pytest.approx(few[grid.images], abs=1e-9)
    assert sum(p.weight for p in grid.points) == every.size


def test_symmetry_leaves_out_only_equal_points(model):
    grid = registry_grid(model, 0.7)
    few = np.array([energy(shifted(model, p.shift)) for p in grid.points])
    if len(few) > 1:
        assert np.ptp(few) > 1e-8  # else nothing would be tested above


def test_the_energy_repeats_with_the_registry_cell(model):
    start = energy(model)
    for vector in registry_grid(model, 0.7).cell:
        assert energy(shifted(model, tuple(vector))) == pytest.approx(start, abs=1e-9)


def test_the_registry_cell_of_indium_on_lpscl_is_far_smaller_than_the_interface():
    model = build_interface(SPECS["In on LPSCl"])
    grid = registry_grid(model, 0.8)
    area = abs(np.linalg.det(grid.cell)) * model.area
    # 18 In and 2 LPSCl surface cells meet: their common translations divide both
    assert area == pytest.approx(model.area / 18, rel=0.01)
    assert len(grid.points) < np.prod(grid.divisions)


@pytest.mark.parametrize("gap", [1.5, 4.0])
def test_a_gap_moves_the_film_and_keeps_the_vacuum(model, gap):
    moved = with_gap(model, gap)
    parts = moved.separated()
    film = parts[model.film_phase].cart_coords[:, 2]
    below = parts[model.substrate_phase].cart_coords[:, 2]
    assert film.min() - below.max() == pytest.approx(gap, abs=1e-6)
    height = moved.structure.lattice.matrix[2, 2]
    above = height - film.max() + below.min()
    assert above == pytest.approx(model.vacuum or gap, abs=1e-6)
    assert list(with_gap(moved, model.gap).structure) == list(model.structure)


def test_touching_is_the_gap_that_was_built(model):
    assert touching(model) == pytest.approx(model.gap)


def test_registries_add_up(model):
    twice = shifted(shifted(model, (0.1, 0.2)), (0.3, 0.1))
    assert twice.registry == pytest.approx((0.4, 0.3))


@pytest.mark.parametrize(
    ("spacing", "message"), [(0.0, "must be positive"), (0.02, "more than 400")]
)
def test_grids_that_make_no_sense_are_refused(spacing, message):
    model = build_interface(SPECS["In on LPSCl"])
    with pytest.raises(StructureError, match=message):
        registry_grid(model, spacing)


def test_a_gap_that_is_none_is_refused(model):
    with pytest.raises(StructureError, match=r"gap=-1\.00 Å must be positive"):
        with_gap(model, -1.0)
