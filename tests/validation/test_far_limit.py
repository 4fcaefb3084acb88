"""Two slabs far apart have the sum of their energies."""

from pathlib import Path

import pytest

from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.engines.ase.atoms import atoms_of

AG = str(Path(__file__).parent.parent / "data" / "Ag.cif")
FAR = 15.0  # Å


def excess(model, calculator):
    """Return E_i - sum E_s, eV, of the model as it is."""
    energies = []
    for part in (model.structure, *model.separated().values()):
        atoms = atoms_of(part)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    return energies[0] - sum(energies[1:])


def spec(gap, **options):
    return InterfaceSpec(
        "Al|Ag",
        CrystalLayer("Al", (1, 0, 0), layers=3),
        CrystalLayer(AG, (1, 0, 0), layers=3, name="Ag"),
        max_strain=0.03,
        max_area=20,
        gap=gap,
        **options,
    )


@pytest.mark.parametrize("vacuum", [20.0, 0.0])
def test_slabs_fifteen_angstrom_apart_do_not_feel_each_other(vacuum):
    from ase.calculators.emt import EMT

    assert abs(excess(build_interface(spec(FAR, vacuum=vacuum)), EMT())) < 1e-3


def test_slabs_in_contact_do():
    from ase.calculators.emt import EMT

    assert excess(build_interface(spec(None)), EMT()) < -0.05


@pytest.mark.slow
@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore")  # the potentials' own, of torch
@pytest.mark.parametrize("engine", ["sevennet", "chgnet"])
def test_the_default_engines_have_the_far_limit_too(engine):
    from ionface.workflows.engines.registry import engine as find

    source = find(engine).static().potential
    model = build_interface(
        InterfaceSpec(
            "LPSCl|In",
            CrystalLayer("In", (0, 0, 1), layers=3),
            CrystalLayer("Li6PS5Cl", (1, 0, 0), layers=2, name="LPSCl"),
            max_strain=0.02,
            max_area=120,
            gap=FAR,
        )
    )
    with source.opened(model.structure) as calculator:
        assert abs(excess(model, calculator)) < 1e-3
