import csv

import numpy as np
import pytest

from ionface.analysis.tables_csv import rows_to_csv, write_csv
from ionface.errors import AnalysisError


def test_numbers_come_back_with_all_their_digits(tmp_path):
    rows = [{"t (fs)": 2.0, "D (cm²/s)": np.float64(1 / 3e5), "n": np.int64(7)}]
    path = write_csv(tmp_path / "d.csv", rows)
    with path.open(encoding="utf-8", newline="") as stream:
        (found,) = csv.DictReader(stream)
    assert float(found["D (cm²/s)"]) == 1 / 3e5
    assert found["n"] == "7"


def test_what_is_unknown_is_an_empty_field_and_commas_are_quoted():
    text = rows_to_csv([{"a": None, "b": np.nan, "c": "x, y"}])
    assert text == 'a,b,c\n,,"x, y"\n'


def test_rows_may_be_a_generator_and_must_agree():
    assert rows_to_csv({"a": i} for i in range(2)) == "a\n0\n1\n"
    with pytest.raises(AnalysisError, match=r"row 1 .*\['b'\]"):
        rows_to_csv([{"a": 1}, {"a": 1, "b": 2}])
    with pytest.raises(AnalysisError, match="without rows"):
        rows_to_csv([])
