"""Published windows, plateaus and reaction energies, from energies of SevenNet-0.

The energies are in tests/data/phases_sevennet0.json: cells of the Materials Project
(CC-BY 4.0) and of the crystal library, relaxed. `benchmarks/thermodynamics.py` prints
the same numbers as a table.
"""

import json
from pathlib import Path

import pytest

from ionface.analysis.thermodynamics.contact import contact
from ionface.analysis.thermodynamics.hull import hull
from ionface.analysis.thermodynamics.phases import PhaseSet
from ionface.analysis.thermodynamics.reaction import reaction_energy
from ionface.analysis.thermodynamics.window import window
from ionface.workflows.projects.phases import literature

SEVENNET = Path(__file__).parents[1] / "data" / "phases_sevennet0.json"


@pytest.fixture(scope="module")
def phases():
    return PhaseSet.from_dict(json.loads(SEVENNET.read_text()))


@pytest.mark.parametrize(
    ("compound", "reduction", "oxidation", "corrected", "bar"),
    [
        # Zhu et al., ACS Appl. Mater. Interfaces 7, 23685 (2015),
        # doi:10.1021/acsami.5b07517; with MP2020 by public recomputation
        ("Li6PS5Cl", 1.71, 2.01, 2.14, 0.08),
        ("Li3PS4", 1.71, 2.31, 2.36, 0.08),
        ("Li2S", 0.0, 2.01, 2.14, 0.08),
    ],
)
def test_windows_of_sulfides(phases, compound, reduction, oxidation, corrected, bar):
    found = window(phases, compound)
    assert found.limits == pytest.approx((reduction, oxidation), abs=bar)
    assert found.spread["mp2020"][1] == pytest.approx(corrected, abs=bar)


@pytest.mark.slow
def test_window_of_lgps_is_the_published_one(phases):
    found = window(phases, "Li10GeP2S12")
    assert found.limits == pytest.approx((1.71, 2.14), abs=0.08)
    # above the hull by 25 meV/atom: Ong et al., Energy Environ. Sci. 6, 148 (2013)
    assert found.above_hull == pytest.approx(0.025, abs=0.003)
    assert found.decomposition.keys() == {"Li4GeS4", "Li3PS4"}
    assert found.spread["mp2020"][1] == pytest.approx(2.39, abs=0.02)


def test_window_of_lagp_and_what_may_still_narrow_it(phases):
    found = window(phases, "LiGe2(PO4)3", literature=literature())
    assert found.limits == pytest.approx((2.70, 4.27), abs=0.25)
    assert found.limits[0] == pytest.approx(2.70, abs=0.05)
    # raw energies and corrected ones bracket the published limit
    assert found.spread["none"][1] < 4.27 < found.spread["mp2020"][1]
    assert "Ge5P6O25 (oxidation limit of LiGe2(PO4)3)" in found.lacking
    assert not any(name.startswith("GeP2O7") for name in found.lacking)


def test_window_of_latp_is_the_published_one(phases):
    found = window(phases, "LiTi2(PO4)3", literature=literature())
    assert found.limits == pytest.approx((2.17, 4.21), abs=0.05)
    assert found.spread["mp2020"][1] == pytest.approx(4.54, abs=0.05)
    lacking = " ".join(found.lacking)
    for there in ("LiTiPO5", "TiP2O7", "Li3Ti2(PO4)3"):
        assert there not in lacking
    # the first products of the published reduction
    reduced = found.at(found.limits[0] - 0.002).products
    assert reduced.keys() == {"LiTiPO5", "Li3PO4", "P"}


def test_lithium_phosphate_is_a_barrier_between_0_65_and_4_2_v(phases):
    found = window(phases, "Li3PO4", corrections="mp2020")
    assert found.limits == pytest.approx((0.69, 4.21), abs=0.05)


@pytest.mark.parametrize(
    ("system", "measured", "bar"),
    [
        ("Li-In", [0.62], 0.08),
        ("Li-Sn", [0.760, 0.660, 0.530], 0.05),  # Handbook of Battery Materials, 25 °C
        ("Li-Al", [0.385], 0.05),
    ],
)
def test_first_plateaus_of_alloys(phases, system, measured, bar):
    plateaus = hull(phases, system.split("-")).plateaus
    found = [plateau.potential for plateau in plateaus[: len(measured)]]
    assert found == pytest.approx(measured, abs=bar)


@pytest.mark.parametrize(
    ("system", "last"), [("Li-Sn", "Li17Sn4"), ("Li-Ge", "Li17Ge4")]
)
def test_what_an_alloy_ends_with(phases, system, last):
    assert hull(phases, system.split("-")).plateaus[-1].rich == last


def test_lithium_zinc_fails_and_says_so(phases):
    found = hull(phases, ["Li", "Zn"], literature=literature())
    assert found.plateaus[0].potential == pytest.approx(0.43, abs=0.01)
    assert "too strongly" in found.remarks[0]


@pytest.mark.parametrize(
    ("compound", "energy"),
    [
        ("Li6PS5Cl", -0.912),
        ("Li3PS4", -1.363),
        ("Li10GeP2S12", -1.206),
        ("LiGe2(PO4)3", -2.219),
    ],
)
def test_decomposition_at_0_v(phases, compound, energy):
    found = window(phases, compound)
    assert found.at(0.0).energy_at(0.0) == pytest.approx(energy, rel=0.03)


def test_indium_tempers_the_reaction_of_the_argyrodite(phases):
    """Severe against Li, slight against LiIn: the ranking of the experiment."""
    metals = ("Li", "LiIn", "In")
    forces = [contact(phases, "Li6PS5Cl", metal).driving_force for metal in metals]
    assert forces == pytest.approx([-0.56, -0.30, -0.18], abs=0.01)


def test_the_argyrodite_on_lithium_turns_into_what_is_seen(phases):
    products = contact(phases, "Li6PS5Cl", "Li").strongest.products
    assert products == pytest.approx({"Li3P": 1.0, "Li2S": 5.0, "LiCl": 1.0}, abs=1e-4)


def test_indium_chloride_does_not_form(phases):
    uphill = reaction_energy(phases, "LiCl + In -> InCl + LiIn")
    assert uphill == pytest.approx(1.42, abs=0.03)
    sulfide = reaction_energy(phases, "Li6PS5Cl + In -> Li2S + LiCl + InS + P")
    assert sulfide == pytest.approx(-1.93, abs=0.05)


def test_lithium_aluminate_hardly_reacts_with_lithium(phases):
    assert reaction_energy(phases, "LiAlO2 + Li -> Li2O + LiAl") == pytest.approx(
        -0.28, abs=0.02
    )
