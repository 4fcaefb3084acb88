"""Sides joined after each was relaxed; regions that are held."""

from dataclasses import replace

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.film_registry import joined, touching
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec

SPEC = InterfaceSpec(
    "Li|LiF",
    CrystalLayer("Li", (1, 0, 0), layers=4),
    CrystalLayer("LiF", (1, 0, 0), layers=4),
    max_area=70,
)


def relaxed(part, seed):
    """Return the part as a relaxation might leave it: moved about, drifted."""
    moved = part.copy()
    moved.perturb(0.1, seed=seed)
    moved.translate_sites(range(len(moved)), [0, 0, 0.7], frac_coords=False,
                          to_unit_cell=False)  # fmt: skip
    return moved


@pytest.mark.parametrize("vacuum", [20.0, 0.0])
def test_joined_sides_keep_their_shapes_and_touch(vacuum):
    model = build_interface(replace(SPEC, vacuum=vacuum))
    parts = model.separated()
    film, substrate = (
        relaxed(parts[p], s)
        for p, s in ((model.film_phase, 1), (model.substrate_phase, 2))
    )
    found = joined(model, film, substrate)
    for phase, wanted in (
        (model.film_phase, film),
        (model.substrate_phase, substrate),
    ):
        coords = found.separated()[phase].cart_coords
        shift = coords - wanted.cart_coords
        assert np.ptp(shift, axis=0) == pytest.approx([0, 0, 0], abs=1e-9)
    assert found.gap == pytest.approx(touching(found))
    lower = found.separated()[found.substrate_phase].cart_coords[:, 2]
    upper = found.separated()[found.film_phase].cart_coords[:, 2]
    assert upper.min() - lower.max() == pytest.approx(found.gap)
    empty = found.structure.lattice.matrix[2, 2] - np.ptp([*lower, *upper])
    assert empty == pytest.approx(vacuum or found.gap)


def test_sides_are_joined_at_the_gap_that_was_asked_for():
    model = build_interface(replace(SPEC, gap=3.3))
    parts = model.separated()
    sides = (relaxed(parts[model.film_phase], 1), parts[model.substrate_phase])
    found = joined(model, *sides, gap=3.3)
    assert found.gap == 3.3
    lower = found.separated()[found.substrate_phase].cart_coords[:, 2]
    upper = found.separated()[found.film_phase].cart_coords[:, 2]
    assert upper.min() - lower.max() == pytest.approx(3.3)


def moving(mobile, **options):
    model = build_interface(replace(SPEC, mobile=mobile, **options))
    fixed = model.structure.site_properties.get("fixed", [False] * len(model.structure))
    sites = zip(model.structure, fixed, strict=True)
    return model, [site for site, held in sites if not held]


def test_all_moves_unless_asked():
    model, free = moving("all")
    assert len(free) == len(model.structure)


def test_the_film_alone_may_move():
    model, free = moving("film")
    assert {site.properties["phase"] for site in free} == {model.film_phase}
    assert len(free) == len(model.separated()[model.film_phase])


def test_a_surface_moves_to_its_depth_and_no_further():
    model, free = moving({"surface": 2.5})
    lower = model.separated()[model.substrate_phase].cart_coords[:, 2]
    below = [s.z for s in free if s.properties["phase"] == model.substrate_phase]
    assert min(below) >= lower.max() - 2.5
    assert len(below) == (lower >= lower.max() - 2.5).sum() < len(lower)
    assert sum(s.properties["phase"] == model.film_phase for s in free) == len(
        model.separated()[model.film_phase]
    )


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        (0.0, "must lie between 0.1 and 1000"),
        (-1.0, "must lie between 0.1"),
        (50.0, "all of LiF move"),
    ],
)
def test_a_region_without_atoms_or_without_an_end_is_refused(depth, said):
    with pytest.raises(StructureError, match=said):
        moving({"surface": depth})


def test_a_sandwich_has_no_one_surface():
    with pytest.raises(StructureError, match="a sandwich has two"):
        moving({"surface": 2.0}, vacuum=0.0)


def test_atoms_of_a_sandwich_know_which_of_its_two_interfaces_is_theirs():
    model = build_interface(replace(SPEC, vacuum=0.0))
    labels = np.array(model.structure.site_properties["interface"])
    heights = model.structure.cart_coords[:, 2]
    height = model.structure.lattice.c
    first, second = model.interface_heights
    to_first, to_second = (
        np.abs((heights - z + height / 2) % height - height / 2)
        for z in (first, second)
    )
    nearer = (to_second < to_first).astype(int)
    clear = np.abs(to_first - to_second) > 0.5  # Å; the middle is neither's
    assert (labels == nearer)[clear].all()
    assert set(labels) == {0, 1}
    with_vacuum = build_interface(SPEC).structure.site_properties
    assert "interface" not in with_vacuum
