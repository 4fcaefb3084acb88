"""POTCARs: found, checked, told by title and hash only."""

import hashlib
import json
from pathlib import Path

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.engines.vasp.potcar_facts import FACTS
from ionface.workflows.engines.vasp.potcars import (
    RECOMMENDED,
    potcar_records,
    potcar_symbols,
    read_potcar,
    valence_electrons,
)


def records(symbol, cutoff):
    """Return the records of one POTCAR of the library."""
    potcar = read_potcar(symbol, "PBE_54")
    return potcar_records({symbol.partition("_")[0]: (symbol, potcar)}, cutoff)


ROOT = Path(__file__).parents[4]


def test_a_record_has_title_and_hash_and_no_content(potcar_library):
    (record,) = records("Li", 480.0)
    text = (potcar_library / "POTCAR.Li").read_text()
    assert record.title == "PAW_PBE Li 01Jan2000"
    assert record.sha256 == hashlib.sha256(text.encode()).hexdigest()
    told = json.dumps(record.as_dict())
    assert "PSCTR" not in told
    assert len(told) < 300


def test_a_potcar_that_needs_more_than_the_cutoff_is_refused(potcar_library):
    with pytest.raises(IonfaceError, match="Li_sv needs 499 eV, above the cutoff"):
        records("Li_sv", 480.0)
    assert records("Li_sv", 500.0)


def test_a_damaged_potcar_is_refused(potcar_library):
    path = potcar_library / "POTCAR.Li"
    path.write_text(path.read_text().replace("ENMAX", "MAXEN"))
    with pytest.raises(IonfaceError, match="POTCAR Li has no ENMAX; it is damaged"):
        records("Li", 480.0)


def test_no_directory_is_refused(monkeypatch, tmp_path):
    from pymatgen.core import SETTINGS

    monkeypatch.delitem(SETTINGS, "PMG_VASP_PSP_DIR", raising=False)
    with pytest.raises(IonfaceError, match="PMG_VASP_PSP_DIR is not set"):
        read_potcar("Li", "PBE_54")
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(IonfaceError, match="does not exist"):
        read_potcar("Li", "PBE_54")


def test_a_missing_potcar_names_what_was_looked_for(potcar_library):
    with pytest.raises(IonfaceError, match=r"no POTCAR Ti_sv of PBE_54.*POTCAR\.Ti_sv"):
        read_potcar("Ti_sv", "PBE_54")


def test_an_element_without_a_recommendation_needs_one_from_the_study():
    with pytest.raises(IonfaceError, match="no POTCAR is recommended here for Xe"):
        potcar_symbols(["Xe"], {})
    assert potcar_symbols(["Xe"], {"Xe": "Xe"}) == {"Xe": "Xe"}


def test_an_unknown_release_is_refused(potcar_library):
    with pytest.raises(IonfaceError, match="PBE_99"):
        read_potcar("Li", "PBE_99")


def test_plans_know_the_valence_of_every_recommended_potcar():
    def no_library(symbol):
        raise AssertionError(symbol)

    assert set(RECOMMENDED.values()) <= set(FACTS)
    assert valence_electrons({"Li": 6, "P": 1, "S": 5, "Cl": 1}, {}, no_library) == 48


def test_no_text_of_a_potcar_is_in_the_repository():
    # what follows the header in every POTCAR, and its copyright line
    marks = ("controll parameters\n local" + " part", "COPYR" + "  =")
    kept = [
        p
        for d in ("workflows", "analysis", "structures", "tests", "docs")
        for p in (ROOT / d).rglob("*")
        if p.is_file() and p.suffix != ".pyc"
    ]
    assert len(kept) > 100
    assert not [p for p in kept if p.name.startswith("POTCAR") and p.suffix != ".spec"]
    found = [p for p in kept if any(m.encode() in p.read_bytes() for m in marks)]
    assert not found
