"""docs/protocols.md says what the code does."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from ionface.workflows.study.incar_keys import MANAGED
from ionface.workflows.study.vasp_settings import VaspSettings

ROOT = Path(__file__).parents[4]
RECORDED = ROOT / "tests" / "data" / "vasp_inputs"
COLUMNS = {
    "li-2024 relax": ("lagp-pdol-li", "LAGP|Li relax interface"),
    "li-2024 static": ("lagp-pdol-li", "LAGP|Li static interface"),
    "luo-2021 pre-relax": ("lpscl-in", "LPSCl|In pre-relax"),
    "luo-2021 dynamics": ("lpscl-in", "LPSCl|In dynamics"),
}


def table():
    """Return the documented value of every key, by column."""
    text = (ROOT / "docs" / "protocols.md").read_text()
    rows = [line.strip("|").split("|") for line in text.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in rows]
    header = next(i for i, row in enumerate(cells) if row[0] == "key")
    names = cells[header][1:-1]
    keys = [row for row in cells[header + 2 :] if re.fullmatch(r"[A-Z_]+", row[0])]
    assert all(row[-1] for row in keys), "every key has its reason"
    return {
        name: {row[0]: row[1 + n] for row in keys if row[1 + n]}
        for n, name in enumerate(names)
    }


def shown(value):
    if isinstance(value, bool):
        return ".TRUE." if value else ".FALSE."
    if isinstance(value, list) and isinstance(value[0], bool):
        return " ".join(map(shown, value))
    if isinstance(value, list):
        return "middle of the atoms"
    return f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_table_has_every_key_of_both_flows_with_its_value(column):
    # the recorded inputs are compared with the code in test_inputs
    study, job = COLUMNS[column]
    recorded = json.loads((RECORDED / f"{study}.json").read_text())[job]["INCAR"]
    assert table()[column] == {key: shown(value) for key, value in recorded.items()}


def test_no_key_of_any_other_job_is_missing_from_the_table():
    documented = {key for column in table().values() for key in column}
    for path in RECORDED.glob("*.json"):
        for job in json.loads(path.read_text()).values():
            assert set(job["INCAR"]) <= documented


def test_every_setting_of_the_section_is_documented():
    text = (ROOT / "docs" / "vasp.md").read_text()
    for setting in fields(VaspSettings):
        assert f"| `{setting.name}` |" in text


def test_keys_that_are_managed_elsewhere_are_never_both():
    assert not {key for key in MANAGED if key in ("ENCUT", "ISPIN", "SMASS")}
