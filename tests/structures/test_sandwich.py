"""Both interfaces of a sandwich are one where an operation turns both sides over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ionface.structures.drawing import draw_model
from ionface.structures.film_registry import shifted, with_gap
from ionface.structures.interface import build_interface
from ionface.structures.model import InterfaceModel
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.structures.stacking import in_cell

AG = str(Path(__file__).parent.parent / "data" / "Ag.cif")
SPEC = InterfaceSpec(
    "Al|Ag",
    CrystalLayer("Al", (1, 0, 0), layers=4),
    CrystalLayer(AG, (1, 0, 0), layers=3, name="Ag"),
    max_strain=0.03,
    max_area=20,
    vacuum=0.0,
)


def contacts(model):
    """Return the sorted distances from film to substrate at each interface, Å."""
    first, second, _, distances = model.structure.get_neighbor_list(4.0)
    phases = np.array(model.phases)
    sides = np.array(model.structure.site_properties["interface"])
    film = phases[first] == model.film_phase
    across = film & (phases[second] == model.substrate_phase)
    return [np.sort(distances[across & (sides[first] == side)]) for side in (0, 1)]


@pytest.mark.parametrize("layers", [3, 4])
@pytest.mark.parametrize("registry", [(0.0, 0.0), (0.3, 0.1)])
def test_both_interfaces_have_the_same_contacts(layers, registry):
    film = replace(SPEC.film, layers=layers)
    model = build_interface(replace(SPEC, film=film, registry=registry))
    lower, upper = contacts(model)
    assert len(lower)
    np.testing.assert_allclose(lower, upper, atol=1e-6)
    # without the lean they are those of the hollow and of the top
    upright = build_interface(replace(SPEC, film=film, registry=registry, vacuum=20))
    np.testing.assert_allclose(lower, _across(upright, model.gap), atol=1e-6)


def _across(model, gap):
    model = with_gap(model, gap)
    first, second, _, distances = model.structure.get_neighbor_list(4.0)
    phases = np.array(model.phases)
    film = phases[first] == model.film_phase
    return np.sort(distances[film & (phases[second] == model.substrate_phase)])


def test_a_film_that_is_shifted_takes_the_upper_interface_with_it():
    moved = shifted(build_interface(SPEC), (0.2, 0.35))
    np.testing.assert_allclose(*contacts(moved), atol=1e-6)
    built = build_interface(replace(SPEC, registry=(0.2, 0.35)))
    there = contacts(with_gap(built, moved.gap))
    np.testing.assert_allclose(contacts(moved), there, atol=1e-6)


def test_sides_that_nothing_turns_over_stay_upright():
    """Of Li6PS5Cl, one face ends with Li and the other with PS4."""
    film = CrystalLayer("In", (0, 0, 1), layers=2)
    lpscl = CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=1)
    spec = replace(SPEC, film=film, substrate=lpscl, max_area=120)
    assert not build_interface(spec).structure.lattice.matrix[2, :2].any()


def test_slabs_keep_their_shape_in_the_cell_that_a_leaning_sandwich_relaxed_to():
    model = build_interface(SPEC)
    assert np.linalg.norm(model.structure.lattice.matrix[2, :2]) > 1
    matrix = model.structure.lattice.matrix.copy()
    matrix[2, 2] -= 0.7
    slab = model.separated()["Al"]
    moved = in_cell(slab, matrix)
    np.testing.assert_allclose(moved.distance_matrix, slab.distance_matrix, atol=1e-9)
    wider = in_cell(slab, matrix * [1.1, 1.0, 1.0]).cart_coords
    pulled = slab.cart_coords * [1.1, 1.0, 1.0]
    np.testing.assert_allclose(wider - wider[0], pulled - pulled[0], atol=1e-9)


def test_a_leaning_sandwich_is_measured_as_it_was_built():
    model = build_interface(SPEC)
    again = InterfaceModel.from_structure(model.structure, "Al", "Ag")
    assert again.n_interfaces == 2
    assert again.gap == pytest.approx(model.gap)
    assert again.interface_heights == pytest.approx(model.interface_heights)


@pytest.mark.slow
def test_a_leaning_sandwich_is_drawn(tmp_path):
    draw_model(build_interface(SPEC), tmp_path / "model.png")
    assert (tmp_path / "model.png").stat().st_size > 10_000
