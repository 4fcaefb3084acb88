"""Partly occupied CIFs: ordered as the library's crystals, or refused with a reason."""

from importlib import util
from pathlib import Path

import pytest
from pymatgen.core import Composition

from ionface.errors import StructureError
from ionface.structures.disorder.decoration import bulk
from ionface.structures.slabs.crystal_layer import cut_slab
from ionface.structures.specs import CrystalLayer, Ordering

_spec = util.spec_from_file_location(
    "disordered_files", Path(__file__).with_name("disordered_files.py")
)
assert _spec is not None
_files = util.module_from_spec(_spec)
assert _spec.loader is not None
_spec.loader.exec_module(_files)
VARIANTS = _files.VARIANTS


def layer(tmp_path, name, ordering):
    path = tmp_path / f"{name}.cif"
    path.write_text(VARIANTS[name][0])
    return CrystalLayer(str(path), (1, 0, 0), layers=1, ordering=ordering)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_disordered_file_becomes_a_crystal_or_is_refused_in_one_sentence(
    tmp_path, name
):
    _, expected = VARIANTS[name]
    asked = layer(tmp_path, name, Ordering(orderings=1))
    if " " in expected:
        with pytest.raises(StructureError, match=expected):
            bulk(asked)
        return
    crystal = bulk(asked)
    assert crystal.is_ordered
    found = crystal.composition.reduced_composition
    assert found == Composition(expected).reduced_composition


@pytest.mark.parametrize("name", ["mixed_anions", "half_cations", "split_site"])
def test_without_an_ordering_the_key_to_set_is_named(tmp_path, name):
    with pytest.raises(
        StructureError, match=r"partly occupied sites, so it cannot be cut; give its "
        r"layer `ordering: \{supercell: \[1, 1, 1\]\}`",
    ):  # fmt: skip
        bulk(layer(tmp_path, name, None))


def test_a_file_is_cut_as_the_library_s_own_crystal(tmp_path):
    ordering = Ordering(orderings=1)
    ours = cut_slab(layer(tmp_path, "mixed_anions", ordering))
    theirs = cut_slab(
        CrystalLayer("Li6PS5Cl_exp_disordered", (1, 0, 0), layers=1, ordering=ordering)
    )
    assert ours.structure.composition == theirs.structure.composition
    assert ours.area == pytest.approx(theirs.area, rel=0.01)
    assert ours.setting == theirs.setting == "F-43m axes"


def test_bonded_neighbors_may_both_be_partly_occupied(tmp_path):
    hydroxide = bulk(layer(tmp_path, "rotating_hydroxide", Ordering(orderings=1)))
    (oxygen,) = hydroxide.indices_from_symbol("O")
    (hydrogen,) = hydroxide.indices_from_symbol("H")
    assert hydroxide.get_distance(oxygen, hydrogen) == pytest.approx(0.96, abs=0.01)
