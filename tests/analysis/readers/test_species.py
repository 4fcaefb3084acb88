from pathlib import Path

import ase
import pytest
from pymatgen.core import Lattice, Structure

from ionface.analysis.readers import open_trajectory
from ionface.analysis.readers.species import species_of
from ionface.errors import AnalysisError


def test_a_name_of_no_element_is_refused_with_the_way_out():
    with pytest.raises(AnalysisError, match=r"run calls a species 'r'.*species=\{'r'"):
        species_of(Path("run"), ["Li", "r "])


def test_what_the_user_says_counts_first():
    assert species_of(Path("run"), ["1", "2", "1"], {"1": "Li", "2": "O"}) == (
        "Li", "O", "Li"
    )  # fmt: skip
    assert species_of(Path("run"), ["H"], {"H": "Li"}) == ("Li",)


def test_a_user_cannot_say_what_is_no_element(tmp_path, run):
    (tmp_path / "XDATCAR").write_text(run.xdatcar())
    with pytest.raises(AnalysisError, match="cannot be 'Xx'"):
        open_trajectory(tmp_path / "XDATCAR", species={"In": "Xx"})
    with pytest.raises(AnalysisError, match="by their names"):
        open_trajectory(tmp_path / "XDATCAR", species=["In", "S"])


def test_dummy_atoms_in_memory_are_refused_and_isotopes_read():
    atoms = ase.Atoms("LiX", [[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5], pbc=True)
    with pytest.raises(AnalysisError, match="'X'"):
        open_trajectory([atoms])
    heavy = Structure(Lattice.cubic(5), ["Li", "D"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert open_trajectory(heavy).species == ("Li", "H")


def test_a_species_that_is_needed_is_asked_for_before_frames_are_read(tmp_path, run):
    head, rows = run.xdatcar().split("configuration=", 1)
    text = head + "configuration=" + rows.replace(".", "?")
    (tmp_path / "XDATCAR").write_text(text)
    with pytest.raises(AnalysisError, match=r"no 'P' in .*XDATCAR; it has \['In', 'S'"):
        open_trajectory(tmp_path / "XDATCAR", needs=["In", "P"])
