"""What a layer will hold is known before it is built, and true when it is."""

import pytest

from ionface.errors import StructureError
from ionface.structures.elements import interface_elements, layer_elements
from ionface.structures.interface import build_interface
from ionface.structures.specs import AmorphousLayer, FilmLayer, PolymerLayer
from ionface.workflows.study.study_files import load


@pytest.mark.parametrize(
    ("study", "interface"),
    [
        ("lagp-pdol-li", "LAGP|Li"),
        ("lagp-pdol-li", "Li|P-DOL"),
        ("lpscl-in", "LPSCl|In"),
    ],
)
def test_the_elements_are_those_of_the_model(study, interface):
    spec = load(study).interface(interface)
    assert interface_elements(spec) == set(build_interface(spec).structure.symbol_set)


@pytest.mark.parametrize(
    ("layer", "elements"),
    [
        (AmorphousLayer({"Ga": 3, "In": 1}, 6.0, 10), {"Ga", "In"}),
        (FilmLayer("[*]CCO[*]", units=2, chains=1), {"C", "H", "O"}),
        (PolymerLayer("FC(F)F"), {"C", "F", "H"}),
    ],
)
def test_alloys_films_and_molecules(layer, elements):
    assert layer_elements(layer) == elements


def test_what_is_no_molecule_is_refused():
    with pytest.raises(StructureError, match="SMILES"):
        layer_elements(PolymerLayer("C(("))
