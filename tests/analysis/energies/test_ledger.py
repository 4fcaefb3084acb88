import json
import math
from dataclasses import replace

import numpy as np
import pytest

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.ledger import book, book_sides, infer_terms
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import AnalysisError, LedgerError

PBE = LevelOfTheory(code="vasp", version="6.4.3", functional="PBE", cutoff_ev=480.0)
CELL = np.diag([8.28, 20.67, 60.0])


def term(name, energy, **composition):
    return EnergyTerm(
        name=name,
        energy=energy,
        composition=composition,
        lattice=CELL.tolist(),
        level=PBE,
        finished=True,
        converged=True,
        max_force=0.015,
        source=f"/runs/{name}",
    )


INTERFACE = term("LAGP|Li", -1208.11, Li=72, Ge=15, P=30, O=120)
LAGP = term("LAGP", -1095.33, Li=15, Ge=15, P=30, O=120)
LI = term("Li", -100.63, Li=57)
SLABS = {"LAGP": LAGP, "Li": LI}


def test_terms_that_belong_together_are_combined():
    entry = book("LAGP|Li", INTERFACE, SLABS)
    area = 8.28 * 20.67
    assert entry.formation.area == pytest.approx(area)
    assert entry.formation.delta_e == pytest.approx(-12.15)
    assert entry.formation.ev_per_a2 == pytest.approx(-12.15 / area)
    assert entry.level == PBE


def test_the_area_is_that_of_the_two_cell_vectors_however_skewed():
    skewed = [[3.0, 0, 0], [7.0, 4.0, 0], [1.0, 2.0, 30.0]]
    assert replace(LI, lattice=skewed).area == pytest.approx(12.0)


def test_an_entry_is_json_with_the_agreed_keys():
    entry = book("LAGP|Li", INTERFACE, SLABS, strain_energy={"Li": 0.3, "LAGP": 0.1})
    data = json.loads(json.dumps(entry.as_dict()))
    assert {
        "name",
        "e_total",
        "slabs",
        "delta_e",
        "area",
        "n_interfaces",
        "sigma_ev_per_a2",
        "sigma_j_per_m2",
        "level_of_theory",
        "strain_energy",
        "checks",
    } <= data.keys()
    assert data["strain_energy"] == pytest.approx(0.4)
    assert data["slabs"] == {"LAGP": -1095.33, "Li": -100.63}
    assert len(data["checks"]) == 5
    assert book("x", INTERFACE, SLABS).as_dict()["strain_energy"] is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"finished": False}, "'Li' is not finished"),
        ({"converged": False}, "'Li' is not converged"),
        ({"energy": math.nan}, "'Li' has no total energy"),
        ({"energy": math.inf}, "'Li' has no total energy"),
        ({"composition": {"Li": 56}}, "Li: 72 against 71"),
        ({"composition": {"Li": 57, "Zn": 1}}, "Zn: 0 against 1"),
        ({"level": replace(PBE, cutoff_ev=500.0)}, "cutoff_ev: 480.0 against 500.0"),
        ({"level": replace(PBE, emulated=True)}, "emulated: False against True"),
        ({"lattice": np.diag([8.2802, 20.67, 60.0]).tolist()}, "vector a differs"),
        ({"lattice": np.diag([8.28, 20.67, 60.5]).tolist()}, "vector c differs"),
        ({"lattice": [[1.0]]}, r"must have shape \(3, 3\)"),
    ],
)
@pytest.mark.parametrize("broken", ["slab", "interface"])
def test_a_term_that_does_not_belong_is_refused(change, complaint, broken):
    if broken == "slab":
        slabs = SLABS | {"Li": replace(LI, **change)}
        with pytest.raises(LedgerError, match=complaint):
            book("LAGP|Li", INTERFACE, slabs)
    elif "composition" not in change:
        with pytest.raises(LedgerError):
            book("LAGP|Li", replace(INTERFACE, **change), SLABS)


def test_atoms_must_balance_by_element_and_not_in_number():
    swapped = replace(LI, composition={"Li": 56, "O": 1})
    with pytest.raises(LedgerError, match="Li: 72 against 71, O: 120 against 121"):
        book("LAGP|Li", INTERFACE, SLABS | {"Li": swapped})


def test_a_difference_below_the_tolerance_is_one_cell():
    close = replace(LI, lattice=(CELL + 5e-5).tolist())
    assert book("LAGP|Li", INTERFACE, SLABS | {"Li": close})


def test_a_missing_slab_is_an_imbalance():
    with pytest.raises(LedgerError, match="not those of its slabs"):
        book("LAGP|Li", INTERFACE, {"LAGP": LAGP})


def test_another_area_is_taken_but_told():
    entry = book("LAGP|Li", INTERFACE, SLABS, area=342.0)
    assert entry.formation.area == 342.0
    assert any("|a x b| is 171.15" in check for check in entry.checks)
    with pytest.raises(AnalysisError, match="must be positive"):
        book("LAGP|Li", INTERFACE, SLABS, area=-1.0)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_interface_is_found_wherever_it_stands(position):
    terms = [LAGP, LI]
    terms.insert(position, INTERFACE)
    interface, slabs = infer_terms(terms)
    assert interface is INTERFACE
    assert slabs == SLABS


def test_terms_without_an_interface_are_refused_with_their_formulas():
    with pytest.raises(LedgerError, match="LAGP: Li15 Ge15 P30 O120; Li: Li57"):
        infer_terms([LAGP, LI])
    with pytest.raises(LedgerError, match="none is the interface"):
        infer_terms([LI, replace(LI, name="again")])
    with pytest.raises(LedgerError, match="several terms are called"):
        infer_terms([INTERFACE, LI, LI])


def test_a_term_survives_json():
    again = EnergyTerm.from_dict(json.loads(json.dumps(LAGP.as_dict())))
    assert again == LAGP


def test_an_entry_says_what_kind_of_energy_it_is():
    relaxed = book("LAGP|Li", INTERFACE, SLABS)
    frozen = book("LAGP|Li", INTERFACE, SLABS, slabs_state="frozen")
    assert relaxed.as_dict()["quantity"].startswith("interface formation energy")
    assert frozen.as_dict()["quantity"].startswith("ideal work of adhesion")
    assert frozen.checks[0] == frozen.as_dict()["quantity"]


def test_a_slab_below_its_unstrained_self_has_no_strain_energy_but_a_reason():
    strain = {"Li": -0.42, "LAGP": 0.1}
    entry = book("LAGP|Li", INTERFACE, SLABS, strain_energy=strain)
    assert entry.strain_energy == {"LAGP": 0.1}
    assert any("of Li: strained it lies 0.420 eV below" in c for c in entry.checks)
    alone = book("LAGP|Li", INTERFACE, SLABS, strain_energy={"Li": -0.42})
    assert alone.as_dict()["strain_energy"] is None
    noise = book("LAGP|Li", INTERFACE, SLABS, strain_energy={"Li": -1e-5})
    assert noise.strain_energy == {"Li": -1e-5}


def test_the_number_of_interfaces_is_derived_from_the_vacuum_and_told():
    slab = book("x", replace(INTERFACE, gaps=(1.0, 2.0, 21.0)), SLABS)
    sandwich = book("x", replace(INTERFACE, gaps=(1.0, 2.0, 2.3)), SLABS)
    assert (slab.formation.n_interfaces, sandwich.formation.n_interfaces) == (1, 2)
    assert sandwich.formation.j_per_m2 == pytest.approx(slab.formation.j_per_m2 / 2)
    assert "1 interface: vacuum of 21.0 Å" in slab.checks
    given = book("x", replace(INTERFACE, gaps=(1.0, 2.0, 2.3)), SLABS, n_interfaces=1)
    assert given.formation.n_interfaces == 1
    assert any("but this number was given" in check for check in given.checks)


def test_a_vacuum_along_another_vector_is_refused():
    with pytest.raises(LedgerError, match=r"\(12.0 Å\) lies along b"):
        book("x", replace(INTERFACE, gaps=(1.0, 12.0, 2.0)), SLABS)


PARTS = {"interface": INTERFACE, "film": LI, "substrate": LAGP}
PHASES = {"film": "Li", "substrate": "LAGP"}


def test_sides_are_booked_with_the_strain_of_those_that_have_an_unstrained_self():
    free = replace(LI, name="Li, unstrained", energy=LI.energy - 0.3)
    entry = book_sides("LAGP|Li", PARTS | {"film_unstrained": free}, PHASES)
    assert entry.formation == book("LAGP|Li", INTERFACE, SLABS).formation
    assert entry.strain_energy == pytest.approx({"Li": 0.3})
    assert book_sides("LAGP|Li", PARTS, PHASES).strain_energy is None
    lost = replace(free, converged=False)
    entry = book_sides("LAGP|Li", PARTS | {"film_unstrained": lost}, PHASES)
    assert entry.strain_energy is None


def test_an_unstrained_slab_at_another_level_is_refused():
    other = replace(LI, name="free", level=replace(PBE, cutoff_ev=500.0))
    with pytest.raises(LedgerError, match="slab 'free' have different levels"):
        book_sides("LAGP|Li", PARTS | {"film_unstrained": other}, PHASES)
