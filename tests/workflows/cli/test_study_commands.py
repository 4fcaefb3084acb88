"""What `ionface run` prints of its results."""

from ionface.structures.interface import build_interface
from ionface.structures.specs import CrystalLayer, InterfaceSpec
from ionface.workflows.cli.study_commands import _print_results
from ionface.workflows.report.collect import Results


def test_after_a_run_sides_beyond_whole_formula_units_are_told(capsys):
    metal = CrystalLayer("Al", (1, 1, 1), layers=2)
    salt = CrystalLayer("LiF", (1, 1, 1), layers=2, symmetric=True)
    spec = InterfaceSpec("LiF|Al", metal, salt)
    _print_results(Results(models={"LiF|Al": build_interface(spec)}))
    told = " ".join(capsys.readouterr().err.split())
    assert "LiF(111) Li/Li holds +1 Li per surface cell" in told
    assert "a formal charge of +1 e" in told
