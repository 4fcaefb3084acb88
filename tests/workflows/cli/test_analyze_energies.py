"""`ionface analyze energies` and `potential` of bare VASP directories."""

import json

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Locpot, Poscar


@pytest.fixture
def folders(vasp_folder, tmp_path):
    """Write an interface HF and its slabs, each in a folder of a layout."""

    def write(layout, **interface):
        terms = {
            "A": {"atoms": "HF", "steps": [(-9.0, 0.0)], **interface},
            "B": {"atoms": "H", "steps": [(-4.0, 0.0)]},
            "C": {"atoms": "F", "steps": [(-3.0, 0.0)]},
        }
        places = [layout.format(name) for name in terms]
        for place, content in zip(places, terms.values(), strict=True):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            vasp_folder(place, **content)
        return places

    return write


@pytest.mark.parametrize(
    ("layout", "given"),
    [
        ("{}/part-001", "{}/part-001"),
        ("{}/static", "{}/static"),
        ("x/{}", "x/{}"),
        ("{}/run-001", "{}"),
        ("{}/static", "{}/static/vasprun.xml"),
        ("x/{}", "x/A/../{}"),
    ],
)
def test_usual_layouts_are_booked_by_what_tells_them_apart(cli, folders, layout, given):
    folders(layout)
    done = cli("analyze", "energies", *map(given.format, "ABC"), "--json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["interfaces"]
    assert entry["name"] == "A"
    assert entry["slabs"] == pytest.approx({"B": -4.25, "C": -3.25})


def test_a_term_can_be_given_its_name(cli, folders):
    whole, first, second = folders("{}/static")
    done = cli(
        "analyze", "energies", whole, f"lithium={first}", f"F={second}", "--json"
    )
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)["interfaces"]
    assert entry["slabs"].keys() == {"lithium", "F"}


@pytest.mark.parametrize(
    ("heights", "words", "count", "told"),
    [
        ([0.0, 0.2], (), 1, "1 interface: vacuum of 24.0 Å"),
        ([0.0, 0.2], ("--interfaces", "2"), 2, "but this number was given"),
    ],
)
def test_the_number_of_interfaces_is_said(cli, folders, heights, words, count, told):
    places = folders("{}", heights=heights)
    done = cli("analyze", "energies", *places, *words)
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    done = cli("analyze", "energies", *places, *words, "--json")
    assert json.loads(done.stdout)["interfaces"][0]["n_interfaces"] == count


def test_a_potential_is_written_as_table_and_figure(cli, tmp_path):
    slab = Structure(Lattice.orthorhombic(3, 3, 30), ["Li"], [[0, 0, 0.2]])
    Locpot(Poscar(slab), {"total": np.full((2, 2, 60), 4.0)}).write_file(
        tmp_path / "LOCPOT"
    )
    done = cli("analyze", "potential", ".", "--fermi", "1.5")
    assert done.returncode == 0, done.stderr
    assert "work function 2.500 eV of the upper and 2.500 eV" in done.stdout
    found = json.loads((tmp_path / "potential.json").read_text())
    assert found["work_functions"] == pytest.approx([2.5, 2.5])
    assert {p.suffix for p in tmp_path.glob("potential.*")} == {".json", ".csv", ".png"}
    missing = cli("analyze", "potential", "nowhere")
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr
