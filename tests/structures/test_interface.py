from dataclasses import replace

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.checks import check_neutral, check_overlaps
from ionface.structures.crystals.library import crystal
from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec, PolymerLayer

LI = CrystalLayer("Li", (1, 0, 0), layers=3)
LIF = CrystalLayer("LiF", (1, 0, 0), layers=3)
DOPED = "Li15 Al5 Ge15 P30 O120"
CHARGES = {"Li": 1, "Al": 3, "Ge": 4, "P": 5, "O": -2, "S": -2, "Cl": -1, "F": -1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "atoms", "area", "phases"),
    [
        ("LAGP|Li", 185 + 63, 8.28 * 20.67, {"LAGP": DOPED, "Li": "Li63"}),
        ("LAGP|P-DOL", 185 + 30, 8.28 * 20.67, {"P-DOL": "H18 C8 O4"}),
        ("Li|P-DOL", 60 + 30, 12 * 3.44**2, {"Li": "Li60", "P-DOL": "H18 C8 O4"}),
        ("LPSCl|In", 264, 9.8603**2, {"LPSCl": "Li72 P12 S60 Cl12", "In": "In108"}),
        ("small", 52 + 36, 9.8603**2, {"LPSCl": "Li24 P4 S20 Cl4", "In": "In36"}),
    ],
)  # fmt: skip
def test_studies_have_their_published_size(specs, name, atoms, area, phases):
    found = build_interface(specs[name])
    assert len(found.structure) == atoms
    assert found.area == pytest.approx(area)
    parts = found.separated()
    for phase, formula in phases.items():
        assert parts[phase].composition.formula == formula


def test_strains_of_the_studies_are_those_of_their_lattices(doped, sandwich):
    assert doped.max_strain == pytest.approx(1 - 8.28 / (6**0.5 * 3.44), abs=2e-4)
    assert sandwich.max_strain == pytest.approx(9.8603 / (3 * 3.2528) - 1)
    assert np.abs(doped.strain_substrate).max() < 1e-9


def test_polyanions_are_whole_cells_neutral_and_atoms_apart(model):
    check_overlaps(model.structure, "model")
    parts = model.separated()
    for phase, part in parts.items():
        if phase not in ("Li", "In", "P-DOL"):
            check_neutral(part, CHARGES, phase)
    expected = {"LAGP": {"PO4": 30}, "LPSCl": None}.get(model.substrate_phase, {})
    if expected is None:
        expected = {"PS4": parts["LPSCl"].composition["P"]}
    found = count_groups(model.structure)
    assert found.pop("C8O4H18", 0) == ("P-DOL" in parts)
    assert found == expected


def test_normal_is_along_z_substrate_below_and_vacuum_above(model):
    matrix = model.structure.lattice.matrix
    assert matrix[:2, 2] == pytest.approx([0, 0], abs=1e-9)
    assert matrix[2, :2] == pytest.approx([0, 0], abs=1e-9)
    assert np.linalg.det(matrix) > 0
    parts = {k: p.cart_coords[:, 2] for k, p in model.separated().items()}
    low, high = parts[model.substrate_phase], parts[model.film_phase]
    assert high.min() - low.max() == pytest.approx(model.gap)
    above = low.min() + matrix[2, 2] - high.max()
    assert above == pytest.approx(model.vacuum or model.gap)
    assert model.n_interfaces == (1 if model.vacuum else 2)


def test_phases_stand_beyond_bonds_but_within_reach(model):
    distance, first, second = model.shortest_distance()
    assert 2.0 < distance < 3.5
    assert model.phases[first] != model.phases[second]


def test_substrate_shows_its_top_and_film_its_top_to_the_interface(specs):
    spec = replace(
        specs["small"],
        film=CrystalLayer(
            "Li6PS5Cl", (1, 0, 0), layers=2, termination="Li4S", name="film"
        ),
        substrate=CrystalLayer(
            "Li6PS5Cl", (1, 0, 0), layers=2, termination="Li4S", name="sub"
        ),
        vacuum=20,
    )
    found = build_interface(spec)
    parts = found.separated()
    below, above = parts["sub"], parts["film"]
    top = below.cart_coords[:, 2].max()
    facing = {s.specie.symbol for s in below if s.z > top - 0.3}
    low = above.cart_coords[:, 2].min()
    facing_film = {s.specie.symbol for s in above if s.z < low + 0.3}
    assert facing == facing_film == {"Li", "S"}
    outer = {
        s.specie.symbol for s in below if s.z < below.cart_coords[:, 2].min() + 0.3
    }
    assert outer != facing


@pytest.mark.parametrize("strained", ["film", "substrate", "shared"])
def test_unstrained_slabs_have_their_own_lattice_and_the_same_atoms(strained):
    spec = InterfaceSpec("x", LI, LIF, strained=strained, max_strain=0.05, max_area=120)
    found = build_interface(spec)
    sides = {"film": {"Li"}, "substrate": {"LiF"}, "shared": {"Li", "LiF"}}[strained]
    assert set(found.unstrained) == sides
    parts = found.separated()
    for phase, free in found.unstrained.items():
        assert free.species == parts[phase].species
        assert free.cart_coords[:, 2] == pytest.approx(parts[phase].cart_coords[:, 2])
        assert free.lattice.c == pytest.approx(found.structure.lattice.c)
        bulk = crystal(phase)
        shortest = free.distance_matrix[np.triu_indices(len(free), 1)].min()
        reference = bulk.get_neighbor_list(4.0)[3].min()
        assert shortest == pytest.approx(reference, abs=1e-6)


def test_given_gap_and_registry_are_used(specs):
    spec = replace(specs["small"], gap=3.7, registry=(0.25, 0.5), vacuum=20)
    moved, plain = (
        build_interface(spec),
        build_interface(replace(spec, registry=(0, 0))),
    )
    assert moved.gap == 3.7
    film, other = moved.separated()["In"], plain.separated()["In"]
    shift = film.frac_coords - other.frac_coords
    shift -= np.rint(shift - [0.25, 0.5, 0])
    assert shift == pytest.approx(np.tile([0.25, 0.5, 0.0], (len(film), 1)), abs=1e-9)


def test_two_layers_of_one_material_are_told_apart():
    layer = CrystalLayer("Li", (1, 0, 0), layers=4)
    found = build_interface(
        InterfaceSpec("twin", layer, layer, max_area=30, max_strain=0.01)
    )
    assert set(found.separated()) == {"Li", "Li film"}
    assert len(found.separated()["Li"]) == len(found.separated()["Li film"])


@pytest.mark.slow
def test_build_is_the_same_every_time(specs):
    first, second = (build_interface(specs["LAGP|Li"]) for _ in range(2))
    assert first.as_dict() == second.as_dict()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_strain": 1e-4, "max_area": 60}, "no match of Li.100. .* and LiF.100."),
        ({"match": 999}, "match=999, but the .* matches are numbered from 0"),
        ({"match": -1}, "match=-1 must lie between 0 and 1e.06; or smallest"),
        ({"gap": 0.1}, "gap=0.1 Å must lie between"),
        ({"gap": float("nan")}, "gap=nan Å must lie between"),
        ({"vacuum": 3.0}, "vacuum=3.0 Å is too thin"),
        ({"vacuum": -1.0}, "vacuum=-1.0 Å must lie between"),
        ({"max_strain": 0.5}, "max_strain=0.5 must lie between"),
        ({"max_area": 0.0}, "max_area=0.0 Å² must lie between"),
        ({"registry": (float("inf"), 0.0)}, "registry"),
        (
            {"film": CrystalLayer("Unobtainium", (1, 0, 0), layers=1)},
            "unknown material",
        ),
        ({"film": PolymerLayer("C(")}, "not a SMILES"),
        ({"film": PolymerLayer("CCOCOCCOCOCC"), "max_area": 30}, "raise max_area"),
    ],
)
def test_impossible_interface_is_refused(change, message):
    with pytest.raises(StructureError, match=message):
        build_interface(replace(InterfaceSpec("x", LI, LIF), **change))


def test_overlap_made_by_a_small_gap_is_refused():
    spec = InterfaceSpec("x", LI, LIF, gap=0.5, max_area=120)
    with pytest.raises(StructureError, match="interface x: overlap"):
        build_interface(spec)
