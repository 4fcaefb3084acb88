import numpy as np
import pytest

from ionface.workflows.engines.vasp_double.fortran import (
    as_printed,
    exponential,
    fixed,
    integer,
    rows,
)


def test_exponents_start_with_a_zero_where_there_is_space():
    # all four are printed by VASP: velocities of CONTCAR and energies of OSZICAR
    assert exponential(-0.0015220510, 16, 8) == " -0.15220510E-02"
    assert exponential(1.0, 16, 8) == "  0.10000000E+01"
    assert exponential(-18.022182, 14, 8) == "-.18022182E+02"
    assert exponential(0.0, 8, 2) == "0.00E+00"


def test_a_mantissa_that_rounds_up_moves_the_exponent():
    assert float(exponential(9.99999999, 16, 4)) == pytest.approx(10.0)
    assert exponential(9.99999999, 12, 4) == "  0.1000E+02"


@pytest.mark.parametrize("value", [1.0, -3.25e-7, 123456.789, 6.02e23, -0.0])
def test_exponents_are_read_back_to_the_printed_digits(value):
    assert float(exponential(value, 20, 12)) == pytest.approx(value, rel=1e-11)


def test_what_does_not_fit_becomes_asterisks():
    assert fixed(123456.0, 8, 3) == "********"
    assert integer(1_000_000, 6) == "******"
    assert exponential(1e5, 5, 4) == "*****"
    assert exponential(float("nan"), 8, 2).strip() == "NaN"


def test_wide_numbers_leave_no_gap_between_columns():
    assert rows([[0.3333, -10.1]], 12, 8) == "  0.33330000-10.10000000\n"


def test_rounding_equals_printing_and_reading():
    values = np.random.default_rng(0).normal(size=(50, 3)) * 1e-3
    printed = [[float(exponential(x, 16, 8)) for x in row] for row in values]
    rounded = as_printed(values, 8, significant=True)
    assert (rounded == printed).all()
    assert (as_printed(rounded, 8, significant=True) == rounded).all()
    places = as_printed(values, 5)
    assert (places == [[float(f"{x:20.5f}") for x in row] for row in values]).all()
