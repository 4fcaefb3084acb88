"""γ, surface energies and contact angle from the terms of a ledger."""

from dataclasses import replace

import pytest

from ionface.analysis.energies.against_bulk import against_bulk, bulk_notes
from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.formation_energies import FormationEnergies
from ionface.analysis.energies.formation_energy import EV_PER_A2_IN_J_PER_M2
from ionface.analysis.energies.ledger import LedgerEntry, book
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.report.tables import energy_contents
from ionface.errors import LedgerError

CELL = [[4.0, 0, 0], [0, 5.0, 0], [0, 0, 30.0]]  # 20 Å²
LEVEL = LevelOfTheory("emt", "1", "none")


def term(name, energy, **atoms):
    return EnergyTerm(name, energy, atoms, CELL, LEVEL, True, True, 0.01, "here")


SLABS = {"Li": term("Li", -3.6, Li=4), "LiF": term("LiF", -19.0, Li=2, F=2)}
BULKS = {"Li": term("Li", -2.0, Li=2), "LiF": term("LiF", -40.0, Li=4, F=4)}


def entry(state="relaxed"):
    whole = term("Li|LiF", -22.9, Li=6, F=2)  # 0.3 eV below the slabs
    return book("Li|LiF", whole, SLABS, slabs_state=state)


def per_area(energy, faces=1):
    return energy / (faces * 20.0) * EV_PER_A2_IN_J_PER_M2


def test_gamma_is_what_the_interface_costs_against_both_crystals():
    told = against_bulk(entry(), SLABS, BULKS, "Li")
    surfaces = told["surface_energies_j_per_m2"]
    assert surfaces["Li"] == pytest.approx(per_area(0.4, 2))
    assert surfaces["LiF"] == pytest.approx(per_area(1.0, 2))
    assert told["gamma_j_per_m2"] == pytest.approx(per_area(-0.3 + 0.2 + 0.5))
    assert "contact_angle_deg" not in told  # the slabs have relaxed


def test_frozen_slabs_tell_an_angle():
    told = against_bulk(entry("frozen"), SLABS, BULKS, "Li")
    # cos = W / σ - 1 = 0.3 / 0.2 - 1
    assert told["contact_angle_deg"] == pytest.approx(60.0)
    assert "gamma_j_per_m2" not in told


def test_a_slab_that_is_not_made_of_its_crystal_has_none():
    doped = {**SLABS, "LiF": term("LiF", -19.0, Li=3, F=2)}
    with pytest.raises(LedgerError, match="do not balance"):
        against_bulk(entry(), doped, BULKS, "Li")


LITHIATED = {**SLABS, "LiF": term("LiF", -20.5, Li=3, F=2)}  # one Li beyond two LiF


def lithiated():
    whole = term("Li|LiF", -24.4, Li=7, F=2)
    return book("Li|LiF", whole, LITHIATED)


def test_atoms_beyond_whole_units_are_counted_by_their_chemical_potential():
    told = against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": -1.2})
    surfaces = told["surface_energies_j_per_m2"]
    assert surfaces["LiF"] == pytest.approx(per_area(-20.5 + 20.0 + 1.2, 2))
    assert surfaces["Li"] == pytest.approx(per_area(0.4, 2))  # needs none
    assert told["gamma_j_per_m2"] == pytest.approx(per_area(-0.3 + 0.2 + 0.35))
    assert told["chemical_potentials_ev"] == {"Li": -1.2}
    assert told["beyond_bulk"] == {"LiF": {"Li": 1}}


def test_a_chemical_potential_can_be_that_of_a_crystal_at_the_same_level():
    by_crystal = against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": BULKS["Li"]})
    assert by_crystal == against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": -1.0})
    other = replace(BULKS["Li"], level=LevelOfTheory("emt", "2", "none"))
    with pytest.raises(LedgerError, match=r"bulk 'Li' have different levels"):
        against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": other})
    with pytest.raises(LedgerError, match=r"of Li cannot be that of 'LiF' .* has F"):
        against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": BULKS["LiF"]})


def test_potentials_that_account_for_a_slab_in_two_ways_are_refused():
    given = {"Li": -1.2, "F": -2.0}
    with pytest.raises(LedgerError, match=r"F2 Li3 .* in many ways; leave one"):
        against_bulk(lithiated(), LITHIATED, BULKS, "Li", given)


def test_table_and_ledger_name_the_chemical_potentials():
    told = against_bulk(lithiated(), LITHIATED, BULKS, "Li", {"Li": -1.2})
    (line,) = bulk_notes(told)
    assert "chemical potentials Li -1.200 eV" in line
    assert "LiF +1 Li" in line
    booked = replace(lithiated(), bulk=told)
    _, table, *_ = energy_contents(FormationEnergies.of((booked,)))
    assert line in table.caption
    assert bulk_notes(against_bulk(entry(), SLABS, BULKS, "Li", {"Li": -1.2})) == []


def test_a_surface_that_costs_less_than_nothing_is_explained():
    low = {**SLABS, "LiF": replace(SLABS["LiF"], energy=SLABS["LiF"].energy - 9)}
    told = against_bulk(entry(), low, BULKS, "Li")
    assert told["surface_energies_j_per_m2"]["LiF"] < 0
    (line,) = bulk_notes(told)
    assert "a surface of LiF costs -" in line
    assert "a lower arrangement" in line
    booked = replace(entry(), bulk=told)
    _, table, *_ = energy_contents(FormationEnergies.of((booked,)))
    assert line in table.caption
    assert bulk_notes(against_bulk(entry(), SLABS, BULKS, "Li")) == []


def test_it_is_in_the_table_and_comes_back_from_a_file():
    told = replace(entry(), bulk=against_bulk(entry(), SLABS, BULKS, "Li"))
    assert LedgerEntry.from_dict(told.as_dict()) == told
    _, table, *_ = energy_contents(FormationEnergies.of((told,)))
    assert table.rows[0][:2] == ["Li|LiF", f"{per_area(0.4):.3f}"]
