import math

import pytest

from ionface.analysis.energies.formation_energy import (
    EV_PER_A2_IN_J_PER_M2,
    formation_energy,
)
from ionface.errors import AnalysisError

ELEMENTARY_CHARGE = 1.602176634e-19  # C, exact in the SI

TABLE_S2 = [
    (-273.89, {"Li": -108.08, "P-DOL": -164.24}, 156.01, -1.57, -0.161),
    (-1208.11, {"LAGP": -1095.33, "Li": -100.63}, 171.11, -12.15, -1.138),
    (-1262.74, {"LAGP": -1095.33, "P-DOL": -164.24}, 171.11, -3.17, -0.297),
]


@pytest.mark.parametrize(("total", "slabs", "area", "delta_e", "sigma"), TABLE_S2)
def test_table_s2_is_recomputed_from_its_own_totals(total, slabs, area, delta_e, sigma):
    result = formation_energy(total, slabs, area)
    assert result.delta_e == pytest.approx(delta_e, abs=0.005)
    assert result.j_per_m2 == pytest.approx(sigma, abs=0.002)


def test_the_published_ranking_of_the_three_interfaces_comes_out():
    li_polymer, lagp_li, lagp_polymer = (
        formation_energy(*row[:3]).j_per_m2 for row in TABLE_S2
    )
    assert lagp_li < lagp_polymer < li_polymer < 0


def test_the_conversion_follows_from_the_elementary_charge():
    square_angstrom = 1e-20  # m²
    assert pytest.approx(ELEMENTARY_CHARGE / square_angstrom) == EV_PER_A2_IN_J_PER_M2


def test_two_interfaces_share_the_energy():
    one = formation_energy(-12.0, {"a": -5.0, "b": -6.0}, 10.0)
    two = formation_energy(-12.0, {"a": -5.0, "b": -6.0}, 10.0, n_interfaces=2)
    assert one.ev_per_a2 == -0.1
    assert two.ev_per_a2 == pytest.approx(one.ev_per_a2 / 2)


def test_doubling_the_cell_changes_no_energy_per_area():
    one = formation_energy(-12.3, {"a": -5.1, "b": -6.2}, 17.0)
    two = formation_energy(-24.6, {"a": -10.2, "b": -12.4}, 34.0)
    assert two.j_per_m2 == pytest.approx(one.j_per_m2)


def test_slabs_that_do_not_interact_cost_nothing():
    assert formation_energy(-11.0, {"a": -5.0, "b": -6.0}, 10.0).j_per_m2 == 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((math.nan, {"a": -1.0}, 10.0), "'interface' is nan"),
        ((-1.0, {"a": math.inf}, 10.0), "'a' is inf"),
        ((-1.0, {"a": -1.0}, 0.0), "must be positive"),
        ((-1.0, {"a": -1.0}, -5.0), "must be positive"),
        ((-1.0, {"a": -1.0}, math.nan), "must be positive"),
        ((-1.0, {}, 10.0), "no slab energies"),
        ((-1.0, {"a": -1.0}, 10.0, 3), "n_interfaces=3"),
        ((-1.0, {"a": -1.0}, 10.0, 0), "n_interfaces=0"),
    ],
)
def test_unusable_input_is_refused_by_name(arguments, complaint):
    with pytest.raises(AnalysisError, match=complaint):
        formation_energy(*arguments)
