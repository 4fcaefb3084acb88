import json
from dataclasses import replace

import pytest

from ionface.analysis.diffusion.diffusion_result import Diffusion

FOUND = Diffusion(
    species="Li",
    direction="3d",
    coefficient=2e-4,
    error=1e-5,
    interval=(1.8e-4, 2.2e-4),
    exponent=0.98,
    exponent_error=0.03,
    beyond_site=1.0,
    diffusive=True,
    verdict="diffusive",
    upper_bound=2.4e-4,
    msd_end=12.0,
    window_fs=(1000.0, 5000.0),
    atoms=24,
    collective=1.2,
)


def test_a_coefficient_is_told_in_both_units():
    data = json.loads(json.dumps(FOUND.as_dict()))
    assert data["d_a2_per_fs"] == 2e-4
    assert data["d_cm2_per_s"] == pytest.approx(2e-5)  # 1 Å²/fs is 0.1 cm²/s
    assert data["d_error_cm2_per_s"] == pytest.approx(1e-6)
    assert data["d_interval_cm2_per_s"] == pytest.approx([1.8e-5, 2.2e-5])


def test_what_is_not_diffusive_has_no_number_to_quote():
    data = replace(FOUND, diffusive=False, verdict="not diffusive: x").as_dict()
    assert data["d_cm2_per_s"] is data["d_a2_per_fs"] is None
    assert data["d_interval_cm2_per_s"] is None
    assert data["d_upper_bound_cm2_per_s"] == pytest.approx(2.4e-5)
    assert replace(FOUND, upper_bound=None).as_dict()["d_upper_bound_cm2_per_s"] is None
