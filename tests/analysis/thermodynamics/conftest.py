"""Phases of a made-up system, whose hull can be computed by hand, and of SevenNet-0."""

import json
from pathlib import Path

import pytest

from ionface.analysis.energies.level_of_theory import LevelOfTheory
from ionface.analysis.thermodynamics.phases import Phase, PhaseSet

PBE = LevelOfTheory("vasp", "6.4.2", "PBE")
SEVENNET = Path(__file__).parents[2] / "data" / "phases_sevennet0.json"


def phase(name, energy, level=PBE, **known):
    """Return a phase by its formula, with its energy per formula unit."""
    from pymatgen.core import Composition

    composition = {e.symbol: n for e, n in Composition(name).items()}
    return Phase(name, composition, energy, level, **known)


@pytest.fixture
def make_phase():
    return phase


@pytest.fixture
def lithium_iodide():
    """Li, I and LiI (-3 eV), and LiI3 that is nobody's."""
    return PhaseSet.of(
        [
            phase("Li", -2.0),
            phase("I", -2.0),
            phase("LiI", -7.0),
            phase("LiI3", -11.5, observed=False),
        ]
    )


@pytest.fixture(scope="session")
def sevennet():
    """Energies of SevenNet-0 that the published numbers are compared with."""
    return PhaseSet.from_dict(json.loads(SEVENNET.read_text()))
