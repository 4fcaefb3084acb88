"""γ as physics: extensive, zero for a crystal with itself, σ for a symmetric slab."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, fcc100
from ase.calculators.emt import EMT

from ionface.analysis.energies.energy_term import EnergyTerm
from ionface.analysis.energies.interface_energy import contact_angle, interface_energy
from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.errors import AnalysisError, LedgerError

EMT_LEVEL = LevelOfTheory("ase", "1", "EMT", k_points="Gamma 2x2x1")
A = 4.05


def term(atoms, name="cell", **changes):
    atoms.calc = EMT()
    made = EnergyTerm(
        name=name,
        energy=float(atoms.get_potential_energy()),
        composition=dict(Counter(atoms.get_chemical_symbols())),
        lattice=atoms.cell.array.tolist(),
        level=EMT_LEVEL,
        finished=True,
        converged=True,
        max_force=0.0,
        source="EMT",
    )
    return replace(made, **changes)


def crystal(symbol, **changes):
    """A crystal of the common lattice, whatever its own would be: nothing relaxes."""
    cell = bulk(symbol, "fcc", a=A, cubic=True)
    return term(
        cell, symbol, level=replace(EMT_LEVEL, k_points="Gamma 7x7x7"), **changes
    )


def layers(*symbols, vacuum=0.0):
    """Layers of fcc(100), one above the other; a sandwich unless there is vacuum."""
    atoms = fcc100("Cu", (1, 1, len(symbols)), a=A, periodic=True)
    atoms.set_chemical_symbols(symbols)
    height = len(symbols) * A / 2 + vacuum
    atoms.set_cell([*atoms.cell.array[:2], [0, 0, height]])
    return term(atoms)


BULKS = {"Cu": crystal("Cu"), "Ag": crystal("Ag")}


def test_a_crystal_with_itself_has_no_interface_energy():
    energy = interface_energy(layers(*["Cu"] * 8), {"Cu": BULKS["Cu"]}, n_interfaces=2)
    assert energy.j_per_m2 == pytest.approx(0.0, abs=1e-9)
    assert energy.amounts == pytest.approx({"Cu": 8.0})


def test_a_symmetric_slab_costs_two_surfaces_whatever_its_thickness():
    thin, thick = (
        interface_energy(
            layers(*["Cu"] * n, vacuum=12.0), {"Cu": BULKS["Cu"]}, n_interfaces=2
        )
        for n in (6, 10)
    )
    assert thin.j_per_m2 > 0.5
    assert thin.j_per_m2 == pytest.approx(thick.j_per_m2, abs=2e-3)


def test_the_interface_energy_does_not_depend_on_how_thick_the_slabs_are():
    thin = interface_energy(layers(*["Cu"] * 6, *["Ag"] * 6), BULKS, n_interfaces=2)
    thick = interface_energy(layers(*["Cu"] * 8, *["Ag"] * 10), BULKS, n_interfaces=2)
    assert thin.amounts == pytest.approx({"Cu": 6.0, "Ag": 6.0})
    assert thin.j_per_m2 == pytest.approx(thick.j_per_m2, abs=2e-3)


def test_a_sandwich_and_a_slab_with_vacuum_agree():
    sandwich = interface_energy(layers(*["Cu"] * 8, *["Ag"] * 8), BULKS, n_interfaces=2)
    surfaces = [
        interface_energy(
            layers(*[symbol] * 8, vacuum=12.0), {symbol: BULKS[symbol]}, n_interfaces=2
        ).j_per_m2
        for symbol in ("Cu", "Ag")
    ]
    slab = interface_energy(
        layers(*["Cu"] * 8, *["Ag"] * 8, vacuum=12.0), BULKS,
        n_interfaces=1, surface_energies=surfaces,
    )  # fmt: skip
    assert slab.j_per_m2 == pytest.approx(sandwich.j_per_m2, abs=5e-3)


def test_atoms_beyond_the_bulks_are_paid_at_their_chemical_potential():
    compound = EnergyTerm(
        "LiF",
        -10.0,
        {"Li": 2, "F": 2},
        np.eye(3).tolist(),
        EMT_LEVEL,
        True,
        True,
        0.0,
        "",
    )
    cell = replace(
        compound, name="cell", energy=-52.5, composition={"Li": 11, "F": 10},
        lattice=np.diag([5.0, 5.0, 30.0]).tolist(),
    )  # fmt: skip
    with pytest.raises(
        LedgerError, match="do not balance; name the chemical potential"
    ):
        interface_energy(cell, {"LiF": compound}, n_interfaces=1)
    energy = interface_energy(
        cell, {"LiF": compound}, n_interfaces=1, chemical_potentials={"Li": -2.0}
    )
    assert energy.amounts == pytest.approx({"LiF": 10.0, "Li": 1.0})
    # -52.5 - 10 (-5) - (-2) = -0.5 eV on 25 Å²
    assert energy.ev_per_a2 == pytest.approx(-0.5 / 25)


def test_what_can_be_accounted_for_in_two_ways_is_refused():
    bulks = {"Cu": BULKS["Cu"], "strained Cu": BULKS["Cu"]}
    with pytest.raises(LedgerError, match="Cu, strained Cu in many ways"):
        interface_energy(layers(*["Cu"] * 4), bulks, n_interfaces=2)
    with pytest.raises(LedgerError, match="'Cu' names both"):
        interface_energy(
            layers(*["Cu"] * 4), {"Cu": BULKS["Cu"]}, n_interfaces=2,
            chemical_potentials={"Cu": -3.0},
        )  # fmt: skip


def test_bulks_may_have_their_own_mesh_but_no_other_level():
    cell = layers(*["Cu"] * 4)
    other = crystal("Cu")
    other = replace(other, level=replace(other.level, functional="another"))
    with pytest.raises(LedgerError, match=r"functional: 'EMT' against 'another'"):
        interface_energy(cell, {"Cu": other}, n_interfaces=2)
    with pytest.raises(LedgerError, match="'Cu' is not converged"):
        interface_energy(cell, {"Cu": crystal("Cu", converged=False)}, n_interfaces=2)


def test_the_contact_angle_follows_young_and_dupre():
    assert contact_angle(0.5, 0.5) == pytest.approx(90.0)
    assert contact_angle(0.75, 0.5) == pytest.approx(60.0)
    assert contact_angle(2.0, 0.5) == 0.0
    assert contact_angle(-0.1, 0.5) == 180.0
    for wrong in ((0.5, 0.0), (0.5, -1.0), (float("nan"), 0.5)):
        with pytest.raises(AnalysisError, match="positive surface energy"):
            contact_angle(*wrong)
