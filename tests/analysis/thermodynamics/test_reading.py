"""Phases from folders of VASP runs and from files of the Materials Project."""

import json

import pytest

from ionface.analysis.thermodynamics.reading import read_phases
from ionface.analysis.thermodynamics.window import window
from ionface.errors import AnalysisError, LedgerError


def entry(composition, energy, run_type="GGA", **data):
    """Return a ComputedEntry as pymatgen writes it."""
    return {
        "@module": "pymatgen.entries.computed_entries",
        "@class": "ComputedEntry",
        "energy": energy,
        "composition": composition,
        "entry_id": f"mp-{''.join(composition)}-{run_type}",
        "energy_adjustments": [],
        "parameters": {"run_type": run_type, **data.pop("parameters", {})},
        "data": data,
    }


@pytest.fixture
def entries(tmp_path):
    def write(*given):
        path = tmp_path / "entries.json"
        path.write_text(json.dumps(given))
        return path

    return write


SALT = (
    entry({"Li": 1}, -2.0),
    entry({"I": 1}, -2.0),
    entry({"Li": 1, "I": 1}, -7.0, oxidation_states={"Li": 1, "I": -1}),
)


def test_a_file_of_the_materials_project_is_read_uncorrected(entries):
    phases = read_phases(entries(*SALT))
    assert window(phases, "LiI").limits == pytest.approx((0.0, 3.0))
    assert phases.level.functional == "PBE"


def test_an_entry_set_is_read_too(tmp_path):
    path = tmp_path / "set.json"
    path.write_text(json.dumps({"@class": "EntrySet", "entries": SALT}))
    assert len(read_phases(path).phases) == 3


def test_entries_that_pymatgen_writes_are_read(tmp_path):
    from monty.json import MontyEncoder
    from pymatgen.entries.computed_entries import ComputedEntry

    made = [ComputedEntry(e["composition"], e["energy"]) for e in SALT]
    path = tmp_path / "entries.json"
    path.write_text(json.dumps(made, cls=MontyEncoder))
    assert {p.formula for p in read_phases(path).phases} == {"Li", "I", "LiI"}


def test_theoretical_entries_are_no_observed_phases(entries):
    path = entries(*SALT, entry({"Li": 1, "I": 3}, -15.0, theoretical=True))
    assert "LiI3" not in {
        p.formula for p in read_phases(path).within(["Li", "I"]).phases
    }


def test_mixed_run_types_are_refused(entries):
    mixed = entries(*SALT, entry({"Li": 1, "I": 3}, -15.0, "R2SCAN"))
    with pytest.raises(LedgerError, match=r"mixes run types \(3 GGA, 1 R2SCAN\)"):
        read_phases(mixed)
    with pytest.raises(LedgerError, match="keep the entries of one run_type"):
        read_phases(mixed, corrections="mp2020")


def test_energies_with_u_need_corrections(entries):
    oxide = entry(
        {"Co": 1, "O": 1},
        -12.0,
        "GGA+U",
        parameters={"hubbards": {"Co": 3.32, "O": 0}},
        oxidation_states={"Co": 2, "O": -2},
    )
    path = entries(oxide, entry({"Co": 1}, -7.0), entry({"O": 2}, -9.8), *SALT)
    with pytest.raises(LedgerError, match="only with corrections=mp2020"):
        read_phases(path)
    phases = read_phases(path, corrections="mp2020")
    raw = -12.0 + 7.0 + 4.9
    # MP2020: -0.687 eV per O, -1.638 per Co of an oxide with U
    found = window(phases, "CoO", "O", corrections="mp2020")
    assert found.limits[1] == pytest.approx(-(raw - 0.687 - 1.638), abs=1e-3)
    assert set(found.spread) == {"mp2020"}  # without corrections it is no number


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "no JSON file of phases"),
        ("{}", "neither phases of ionface nor a list of entries"),
        ("[]", "neither phases of ionface nor a list of entries"),
        ('[{"energy": 1}]', "entry 0 of .* no composition or no energy"),
        ('[{"composition": {"Li": 1}, "energy": null}]', "entry 0 .* no composition"),
        ("[3]", "entry 0 of"),
    ],
)
def test_other_files_are_refused_with_the_way_to_make_one(tmp_path, text, told):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(AnalysisError, match=rf"(?s){told}.*mpr.get_entries_in_chemsys"):
        read_phases(path)


# --- folders of VASP runs -------------------------------------------------------------


@pytest.fixture
def runs(vasp_folder, tmp_path):
    """Write Li, I and LiI at different depths."""
    for name in ("Li", "salts/LiI", "I/run-001"):
        (tmp_path / "runs" / name).parent.mkdir(parents=True, exist_ok=True)
    vasp_folder("runs/Li", atoms=["Li"], steps=[(-2.0, 0.0)])
    vasp_folder("runs/I/run-001", atoms=["I"], steps=[(-2.0, 0.0)])
    vasp_folder("runs/salts/LiI", atoms=["Li", "I"], steps=[(-7.0, 0.0)])
    return tmp_path / "runs"


def test_each_folder_with_a_run_is_a_phase(runs):
    phases = read_phases(runs)
    assert [p.name for p in phases.phases] == ["I", "Li", "salts/LiI"]
    assert phases.lowest("LiI").observed is None


def test_of_the_tasks_of_one_phase_the_last_counts(vasp_folder, runs, tmp_path):
    (tmp_path / "runs" / "LiI2").mkdir()
    for task, energy in (("01-relax", -1.0), ("02-static", -9.5)):
        vasp_folder(f"runs/LiI2/{task}", atoms=["Li", "I", "I"], steps=[(energy, 0.0)])
    (found,) = (p for p in read_phases(runs).phases if p.formula == "LiI2")
    assert found.name == "LiI2"
    assert found.source.endswith("02-static/vasprun.xml")


def test_a_run_that_is_left_out_is_not_read(runs):
    (runs / "broken").mkdir()
    (runs / "broken" / "vasprun.xml").write_text("<modeling>")
    assert len(read_phases(runs, exclude=["broken"]).phases) == 3
    with pytest.raises(AnalysisError):
        read_phases(runs)


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(AnalysisError, match="no VASP run in the subfolders"):
        read_phases(tmp_path)
