"""The registry: settings of plain values, and what the docstring says of each."""

import subprocess
import sys

import pytest

from ionface.analysis.kind import Crystal
from ionface.analysis.kinds import analyses, analysis, kinds
from ionface.analysis.rdf.rdf_analysis import crystals_at_rest
from ionface.analysis.reactions.bond_analyses import bond_of
from ionface.analysis.result import Result
from ionface.errors import AnalysisError


def test_settings_come_from_plain_values():
    settings = analysis("rdf").configured({"pairs": ["In-S"], "cutoff": "6"})
    assert (settings.pairs, settings.cutoff) == (("In-S",), 6.0)
    assert settings == analysis("rdf").configured({"pairs": "In-S", "cutoff": 6})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("rdf", {}, r"rdf needs \['pairs'\]"),
        ("rdf", {"pairs": ["In-S"], "bin": 3}, r"rdf has no \['bin'\]; have"),
        ("rdf", {"pairs": ["In-S"], "bins": "many"}, "bins='many' is no int"),
        ("rdf", {"pairs": ["In-S"], "windows": 0}, "windows=0"),
        ("bonds", {"pairs": ["In-S:long"]}, "'long' is no bond length"),
        ("bonds", {"pairs": ["In-Xx"]}, "'Xx'"),
        ("msd", {"drift": ["all", "S"]}, "drift=all stands alone"),
        ("profile", {"between": "In:"}, "does not name two phases"),
        ("layers", {"pair": "PS"}, "a pair is two chemical symbols"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(name, values, message):
    with pytest.raises(AnalysisError, match=message):
        analysis(name).configured(values)


def test_an_unknown_analysis_is_told_with_the_nearest_name():
    with pytest.raises(AnalysisError, match="did you mean 'rdf'"):
        analysis("rdg")
    with pytest.raises(AnalysisError, match="unknown analysis 'energies'"):
        analysis("energies")  # a kind of result, but of no trajectory


def test_every_setting_has_a_help():
    for kind in analyses().values():
        assert all(option.help for option in kind.options), kind.name


def test_every_kind_of_result_has_its_rows_and_so_csv_and_data_frame():
    for kind in kinds().values():
        assert issubclass(kind.result, Result), kind.name
        assert not kind.result.__abstractmethods__, kind.name


def test_every_kind_names_a_figure_that_is_there():
    from importlib import import_module

    for kind in kinds().values():
        module, _, function = kind.result.figure.partition(":")
        assert callable(getattr(import_module(module), function)), kind.name


def test_a_bond_has_its_own_length_or_that_of_its_elements():
    assert bond_of("In-S:2.5") == (("In", "S"), 2.5)
    assert bond_of("In-S") == (("In", "S"), None)


def test_a_crystal_is_compared_in_the_pairs_that_it_has():
    salt = Crystal("salt", ("Na", "Cl"), [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
                   [[0, 0, 0], [2, 2, 2]])  # fmt: skip
    found = crystals_at_rest([salt], ("Na-Cl", "Li-Cl"), 5.0, 50)
    assert set(found["salt"].pairs) == {"Na-Cl"}
    with pytest.raises(AnalysisError, match="salt has none of the pairs"):
        crystals_at_rest([salt], ("Li-Cl",), 5.0, 50)


def test_knowing_every_kind_loads_no_library_that_only_computing_needs():
    code = "import sys, ionface.analysis.kinds; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    assert not {"scipy", "skfem", "pymatgen", "matplotlib", "numba"} & loaded
