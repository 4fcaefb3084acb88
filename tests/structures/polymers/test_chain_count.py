"""Amounts of a film follow from its density; impossible ones are refused at once."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ionface.errors import StructureError
from ionface.structures.polymers.chain_count import amount
from ionface.structures.polymers.film_chains import DALTONS, densest, make_chains
from ionface.structures.polymers.films import pack
from ionface.structures.specs import FilmLayer

DOL = FilmLayer("[*]OCOCC[*]", units=2, chains=4, density=1.1, seed=1, name="P-DOL")
SMALL = np.diag([9.6, 7.2])


def test_amounts_follow_from_density_and_area():
    chains, thickness = amount(DOL, 178.0, 100.0)
    assert chains == 4
    assert thickness == pytest.approx(4 * 178.0 / (1.1 * DALTONS * 100.0))


def test_a_density_beyond_full_space_is_refused_at_once_with_that_of_crystals():
    with pytest.raises(StructureError, match=r"fill 1\d\d% of the film") as caught:
        pack(replace(DOL, units=1, density=2.2), SMALL)
    low, high = (
        float(x) for x in re.findall(r"(\d\.\d\d) (?:to|g/cm³\.)", str(caught.value))
    )
    assert 0.9 < low < high < 1.3  # liquid ethers: 0.9 to 1.1


@pytest.mark.parametrize(
    ("smiles", "crystal"),
    [("c1ccccc1", 1.02), ("C" * 30, 1.00)],
)
def test_known_molecular_crystals_fill_what_is_published(smiles, crystal):
    """Benzene at 270 K and the crystal of polyethylene (long alkanes), g/cm³."""
    (chain,) = make_chains(smiles, 1, 0)
    assert 0.6 < crystal / densest(chain) < 0.8
