"""Interfaces that several tests look at, each built once."""

from functools import cache

import pytest

from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, Doping, InterfaceSpec, PolymerLayer

LAGP = CrystalLayer(
    "LiGe2(PO4)3",
    (1, 0, 0),
    layers=5,
    lattice={"a": 8.28, "c": 20.67},
    doping=Doping("Al", "Ge", 0.5),
    name="LAGP",
)
LITHIUM = {"a": 3.44}
CHAIN = "CCOCOCCOCOCC"


def argyrodite(layers, termination=0):
    return CrystalLayer(
        "Li6PS5Cl", (1, 0, 0), layers=layers, name="LPSCl", termination=termination
    )


SPECS = {
    "LAGP|Li": InterfaceSpec(
        "LAGP|Li",
        CrystalLayer("Li", (1, 1, 0), layers=3, lattice=LITHIUM),
        LAGP,
        max_strain=0.03,
    ),
    "LAGP|P-DOL": InterfaceSpec("LAGP|P-DOL", PolymerLayer(CHAIN, name="P-DOL"), LAGP),
    "Li|P-DOL": InterfaceSpec(
        "Li|P-DOL",
        PolymerLayer(CHAIN, name="P-DOL", supercell=(4, 3)),
        CrystalLayer("Li", (1, 0, 0), layers=5, lattice=LITHIUM),
    ),
    "LPSCl|In": InterfaceSpec(
        "LPSCl|In",
        CrystalLayer("In", (0, 0, 1), layers=12),
        argyrodite(6),
        max_strain=0.02,
        max_area=120,
        vacuum=0,
    ),
    "small": InterfaceSpec(
        "small",
        CrystalLayer("In", (0, 0, 1), layers=4),
        argyrodite(2, "Li4S"),
        max_strain=0.02,
        max_area=120,
        vacuum=0,
    ),
    "Li|LiF": InterfaceSpec(
        "Li|LiF",
        CrystalLayer("Li", (1, 0, 0), thickness=12),
        CrystalLayer("LiF", (1, 0, 0), thickness=10),
        max_strain=0.03,
        max_area=250,
        vacuum=20,
    ),
}


@cache
def built(name):
    return build_interface(SPECS[name])


@pytest.fixture(params=sorted(SPECS))
def model(request):
    return built(request.param)


@pytest.fixture
def small():
    return built("small")


@pytest.fixture
def doped():
    return built("LAGP|Li")


@pytest.fixture
def polymer():
    return built("Li|P-DOL")


@pytest.fixture
def sandwich():
    return built("LPSCl|In")


@pytest.fixture
def specs():
    return SPECS
