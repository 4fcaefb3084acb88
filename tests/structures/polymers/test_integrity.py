"""Molecules taken apart by hand: each verdict, under periodic boundaries."""

import json

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.polymers.integrity import check
from ionface.structures.polymers.oligomers import P_DOL, oligomer
from ionface.structures.polymers.topology import Topology, joined

WIDE = np.array([[30.0, 0.0], [-8.0, 28.0]])
CHAIN = oligomer(P_DOL)
COORDS = np.array(CHAIN.molecule.cart_coords)


def atom(symbol, neighbors=()):
    graph = CHAIN.topology.neighbors()
    return next(
        i
        for i, s in enumerate(CHAIN.topology.symbols)
        if s == symbol
        and all(n in [CHAIN.topology.symbols[j] for j in graph[i]] for n in neighbors)
    )


def part_beyond(first, second):
    """Return the atoms on the second's side of a bond of the chain."""
    graph = CHAIN.topology.neighbors()
    found = [second]
    for here in found:
        found += [
            j for j in graph[here] if j not in found and {here, j} != {first, second}
        ]
    return found


def with_surface(molecule, symbols, positions):
    names = [*CHAIN.topology.symbols, *symbols]
    return names, np.vstack([molecule, positions])


def hoop(number):
    """Return a ring of carbons, wide enough that a chain inside touches nothing."""
    bonds = [tuple(sorted((i, (i + 1) % number))) for i in range(number)]
    return Topology(
        symbols=("C",) * number,
        molecules=(0,) * number,
        bonds=tuple(bonds),
        orders=(1.0,) * number,
        rings=(tuple(range(number)),),
    )


def test_an_untouched_chain_is_intact_and_says_so():
    report = check(CHAIN.topology, COORDS, COORDS, WIDE)
    assert report.verdict == report.summary() == "intact"
    assert report.molecules == 1


def test_thermal_motion_of_five_hundredths_leaves_it_intact():
    rng = np.random.default_rng(0)
    for _ in range(5):
        moved = COORDS + rng.normal(size=COORDS.shape) * 0.05
        assert check(CHAIN.topology, COORDS, moved, WIDE).verdict == "intact"


def test_wrapping_and_moving_by_cell_vectors_changes_nothing():
    fractions = COORDS[:, :2] @ np.linalg.inv(WIDE)  # across the border
    wrapped = COORDS.copy()
    wrapped[:, :2] = (fractions % 1.0) @ WIDE
    assert np.abs(wrapped - COORDS).max() > 10
    report = check(CHAIN.topology, COORDS, wrapped, WIDE)
    assert report.verdict == "intact"
    assert report.angles == ()


@pytest.mark.parametrize(("apart", "verdict"), [(0.35, "intact"), (0.50, "broken")])
def test_a_stretched_ether_bond_breaks_at_its_limit(apart, verdict):
    # C-O is 1.42 Å; its limit 1.3 (0.76 + 0.66) = 1.85 Å
    oxygen = atom("O")
    carbon = CHAIN.topology.neighbors()[oxygen][0]
    away = COORDS[carbon] - COORDS[oxygen]
    moved = COORDS.copy()
    moved[part_beyond(oxygen, carbon)] += apart * away / np.linalg.norm(away)
    report = check(CHAIN.topology, COORDS, moved, WIDE)
    assert report.verdict == verdict
    if verdict == "broken":
        (bond,) = report.broken
        assert set(bond.atoms) == {oxygen, carbon}
        assert bond.pair == "C-O"
        assert bond.after - bond.before == pytest.approx(apart)
        assert bond.limit == pytest.approx(1.3 * (0.76 + 0.66))
        assert report.formed == ()


def test_a_broken_bond_is_one_across_the_border_too():
    oxygen = atom("O")
    carbon = CHAIN.topology.neighbors()[oxygen][0]
    moved = COORDS.copy()
    moved[part_beyond(oxygen, carbon)] += [0, 0, 2.5]
    for shift in np.linspace(0, 1, 4):
        placed = moved + np.append(shift * WIDE.sum(axis=0), 0)
        placed[:, :2] = (placed[:, :2] @ np.linalg.inv(WIDE) % 1.0) @ WIDE
        report = check(CHAIN.topology, COORDS, placed, WIDE)
        assert [set(b.atoms) for b in report.broken] == [{oxygen, carbon}]


def test_a_proton_that_moved_breaks_one_bond_and_forms_another():
    carbon, oxygen = atom("C"), atom("O")
    proton = next(
        j
        for j in CHAIN.topology.neighbors()[carbon]
        if CHAIN.topology.symbols[j] == "H"
    )
    moved = COORDS.copy()
    graph = CHAIN.topology.neighbors()[oxygen]
    outward = 2 * COORDS[oxygen] - COORDS[graph].sum(axis=0)
    moved[proton] = COORDS[oxygen] + 0.97 * outward / np.linalg.norm(outward)
    report = check(CHAIN.topology, COORDS, moved, WIDE)
    assert report.verdict == "broken"
    assert [b.pair for b in report.broken] == ["C-H"]
    assert [b.pair for b in report.formed] == ["H-O"]
    assert not report.formed[0].partner


def test_a_chain_too_long_for_its_cell_bonds_to_its_own_image():
    length = float(np.ptp(COORDS[:, 0]))
    tight = np.diag([length - 1.5, 30.0])
    report = check(CHAIN.topology, COORDS, COORDS, tight)
    assert report.verdict == "broken"
    assert report.formed


def test_lithium_at_a_carbon_is_a_reaction():
    carbon = atom("C")
    names, after = with_surface(COORDS, ["Li"], [COORDS[carbon] + [0, 0, 2.2]])
    rows = range(len(COORDS))
    report = check(CHAIN.topology, after, after, WIDE, rows, names)
    assert report.verdict == "reacted"
    assert any(b.pair == "C-Li" and b.partner for b in report.formed)


def test_distances_to_the_surface_are_those_of_the_nearest_images():
    lithium = COORDS[atom("C")] + [0, 0, 2.2]
    names, after = with_surface(COORDS, ["Li"], [lithium])
    _, before = with_surface(COORDS, ["Li"], [lithium + np.array([0, 0, 1.0])])
    after[-1, :2] += WIDE[0] - WIDE[1]
    rows = range(len(COORDS))
    report = check(CHAIN.topology, before, after, WIDE, rows, names)
    (bond,) = (b for b in report.formed if b.pair == "C-Li")
    assert bond.after == pytest.approx(2.2)
    assert bond.before == pytest.approx(3.2)
    before[-1, :2] += WIDE[1]
    report = check(CHAIN.topology, before, after, WIDE, rows, names)
    (bond,) = (b for b in report.formed if b.pair == "C-Li")
    assert bond.before == pytest.approx(3.2)


def outside_of(oxygen, distance):
    graph = CHAIN.topology.neighbors()[oxygen]
    outward = 2 * COORDS[oxygen] - COORDS[graph].sum(axis=0)
    return COORDS[oxygen] + distance * outward / np.linalg.norm(outward)


def test_lithium_at_an_ether_oxygen_coordinates_and_is_no_reaction():
    oxygen = atom("O")
    names, after = with_surface(COORDS, ["Li"], [outside_of(oxygen, 1.95)])
    report = check(CHAIN.topology, after, after, WIDE, range(len(COORDS)), names)
    assert report.verdict == "intact"
    assert [b.pair for b in report.coordinated] == ["Li-O"]
    assert "1 coordinated" in report.summary()


def test_an_oxygen_that_lost_its_carbon_to_lithium_has_reacted():
    oxygen = atom("O")
    carbon = CHAIN.topology.neighbors()[oxygen][0]
    moved = COORDS.copy()
    moved[part_beyond(oxygen, carbon)] += [0, 0, 6.0]
    lithium = outside_of(oxygen, 1.8)
    rows = range(len(COORDS))
    names, after = with_surface(moved, ["Li"], [lithium])
    _, before = with_surface(COORDS, ["Li"], [lithium - np.array([0, 0, 9.0])])
    report = check(CHAIN.topology, before, after, WIDE, rows, names)
    assert report.verdict == "reacted"
    assert not any(b.partner for b in report.formed)


def test_a_hydrogen_taken_by_a_surface_oxygen_has_reacted():
    proton = atom("H")
    names, after = with_surface(COORDS, ["O"], [COORDS[proton] + [0, 0, 1.0]])
    report = check(CHAIN.topology, after, after, WIDE, range(len(COORDS)), names)
    assert report.verdict == "reacted"
    assert any(b.pair == "H-O" for b in report.formed)


def test_members_may_stand_anywhere_among_the_atoms():
    order = np.random.default_rng(4).permutation(len(COORDS) + 1)
    names, after = with_surface(COORDS, ["Li"], [COORDS[atom("C")] + [0, 0, 2.2]])
    rows = np.argsort(order)[: len(COORDS)]
    shuffled = [names[i] for i in order]
    report = check(CHAIN.topology, after[order], after[order], WIDE, rows, shuffled)
    assert report.verdict == "reacted"
    (bond,) = (b for b in report.formed if b.pair == "C-Li")
    assert [shuffled[i] for i in bond.atoms] == ["C", "Li"]


def test_a_bent_angle_is_listed_but_no_verdict():
    oxygen = atom("O")
    one, two = CHAIN.topology.neighbors()[oxygen]
    axis = np.cross(COORDS[one] - COORDS[oxygen], COORDS[two] - COORDS[oxygen])
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec(np.deg2rad(35) * axis / np.linalg.norm(axis))
    moved = COORDS.copy()
    side = part_beyond(oxygen, two)
    moved[side] = turn.apply(COORDS[side] - COORDS[oxygen]) + COORDS[oxygen]
    report = check(CHAIN.topology, COORDS, moved, WIDE)
    assert report.verdict == "intact"
    (angle,) = report.angles
    assert {angle.atoms[0], angle.atoms[2]} == {one, two}
    assert angle.atoms[1] == oxygen
    assert abs(angle.after - angle.before) == pytest.approx(35, abs=0.1)


def test_two_arms_that_trade_places_invert_a_center():
    molecule = oligomer("C[C@H](F)Cl")
    coords = np.array(molecule.molecule.cart_coords)
    mirrored = coords * [1, 1, -1]
    report = check(molecule.topology, coords, mirrored, WIDE)
    assert report.verdict == "inverted"
    (center,) = report.inverted
    assert center.label == molecule.topology.stereo[0].label
    assert center.after == pytest.approx(-center.before)
    assert report.broken == report.formed == report.angles == ()


def test_the_mirror_image_of_an_achiral_chain_is_the_same_molecule():
    assert check(CHAIN.topology, COORDS, COORDS * [1, 1, -1], WIDE).verdict == "intact"


def test_a_chain_threaded_through_a_ring_is_speared():
    ring, rod = hoop(18), oligomer("CC#CC")
    angles = np.arange(18) * np.pi / 9
    radius = 1.54 / (2 * np.sin(np.pi / 18))
    flat = radius * np.column_stack([np.cos(angles), np.sin(angles), 0 * angles])
    axis = np.array(rod.molecule.cart_coords)[[0, 3]]
    from scipy.spatial.transform import Rotation

    turn, _ = Rotation.align_vectors([[0, 0, 1.0]], [axis[1] - axis[0]])
    stick = turn.apply(np.array(rod.molecule.cart_coords))
    topology = joined([ring, rod.topology])
    threaded = np.vstack([flat, stick - stick[:4].mean(axis=0)])
    report = check(topology, threaded, threaded, WIDE)
    assert report.verdict == "speared"
    (spear,) = report.speared
    assert spear.ring == tuple(range(18))
    assert spear.bond == (19, 20)  # the triple bond
    beside = threaded + np.where(np.arange(len(threaded))[:, None] < 18, 0, [0, 0, 9.0])
    assert check(topology, beside, beside, WIDE).verdict == "intact"


def test_a_report_is_plain_data():
    moved = COORDS.copy()
    moved[0] += [0, 0, 3.0]
    said = json.loads(json.dumps(check(CHAIN.topology, COORDS, moved, WIDE).as_dict()))
    assert said["verdict"] == "broken"
    assert {"atoms", "pair", "before", "after", "limit"} <= set(said["broken"][0])


def test_what_does_not_fit_the_topology_is_refused():
    with pytest.raises(StructureError, match="give both states of the same atoms"):
        check(CHAIN.topology, COORDS, COORDS[1:], WIDE)
    with pytest.raises(StructureError, match="do not fit a topology of 30"):
        check(CHAIN.topology, COORDS[1:], COORDS[1:], WIDE)
    rows = [*range(1, len(COORDS)), 0]  # elements in another order
    with pytest.raises(StructureError, match="do not fit"):
        check(CHAIN.topology, COORDS, COORDS, WIDE, rows, CHAIN.topology.symbols)
