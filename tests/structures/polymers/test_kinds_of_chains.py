"""Chains of every chemistry that batteries use, laid on a surface and packed."""

import pytest
from pymatgen.core import Composition

from ionface.structures.groups import count_groups
from ionface.structures.interface import build_interface
from ionface.structures.polymers import oligomers
from ionface.structures.polymers.film_layer import pack_layer
from ionface.structures.specs import (
    CrystalLayer,
    FilmLayer,
    InterfaceSpec,
    PolymerLayer,
)

LI = CrystalLayer("Li", (1, 0, 0), layers=3)
RING = "c1ccc(cc1)"
# repeat unit, and the formula of two of them between methyl groups
KINDS = {
    "PEO": ("[*]CCO[*]", "C6H14O2"),
    "PMMA": ("[*]CC(C)(C(=O)OC)[*]", "C12H22O4"),
    "PAN": ("[*]CC(C#N)[*]", "C8H12N2"),
    "PDMS": ("[*][Si](C)(C)O[*]", "C6H18O2Si2"),
    "PCL": ("[*]CCCCCC(=O)O[*]", "C14H26O4"),
    "PPC": ("[*]OC(C)COC(=O)[*]", "C10H18O6"),
    "PVCA": ("[*]C1OC(=O)OC1[*]", "C8H10O6"),
    "PVP": ("[*]CC(N1CCCC1=O)[*]", "C14H24N2O2"),
    "nylon-6": ("[*]NCCCCCC(=O)[*]", "C14H28N2O2"),
    "polysulfone": (
        f"[*]O{RING}C(C)(C){RING}O{RING}S(=O)(=O){RING}[*]",
        "C56H50O8S2",
    ),
    "polycarbonate": (f"[*]O{RING}C(C)(C){RING}OC(=O)[*]", "C34H34O6"),
    "nitro": ("[*]CC([N+](=O)[O-])[*]", "C6H12N2O4"),
    "phosphonate": ("[*]CC(P(=O)(OC)OC)[*]", "C10H24O6P2"),
}
QUICK = ("PAN", "PVCA", "nitro")


def study(name, film):
    return InterfaceSpec(name=f"{name}|Li", film=film, substrate=LI, max_area=2000)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in KINDS],
)
def test_every_chain_lies_on_lithium_as_the_molecule_of_its_smiles(name, monkeypatch):
    # few conformers: bonds are asked for here, not the flattest of the chains
    monkeypatch.setattr(oligomers, "CONFORMERS", 3)
    repeat, formula = KINDS[name]
    chain = PolymerLayer(repeat, units=2, name=name)
    model = build_interface(study(name, chain))
    film = model.separated()[name]
    assert film.composition == Composition(formula)
    (group,) = count_groups(film)
    assert Composition(group) == Composition(formula)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_chain_is_packed_whole(name):
    repeat, formula = KINDS[name]
    layer = FilmLayer(repeat, units=2, name=name, thickness=9.0, density=0.95)
    packed = pack_layer(study(name, layer))
    chains = len(set(packed.structure.site_properties["molecule"]))
    assert packed.structure.composition == Composition(formula) * chains
    groups = count_groups(packed.structure)
    assert {Composition(g): n for g, n in groups.items()} == {
        Composition(formula): chains
    }
