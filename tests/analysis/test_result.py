import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ionface.analysis.result import Provenance, Result, plain
from ionface.analysis.trajectory.frames import FloatArray
from ionface.analysis.trajectory.trajectory import Trajectory
from ionface.errors import AnalysisError


@dataclass(frozen=True, repr=False)
class Heights(Result):
    kind = "heights"
    figure = f"{__name__}:figure_heights"

    heights: FloatArray

    def values(self):
        return {"heights": plain(self.heights)}

    @classmethod
    def restore(cls, data, provenance):
        heights = np.array(data["heights"], dtype=float)
        return cls(heights, provenance=provenance)

    def rows(self):
        for height in self.heights:
            yield {"height (Å)": height}

    def summary(self):
        return f"{len(self.heights)} heights"


def figure_heights(result, title=""):
    return (result, title)


@pytest.fixture
def result():
    return Heights(np.array([1.0, np.nan]), provenance=Provenance(sources=("XDATCAR",)))


def test_a_result_is_that_of_its_file(result, tmp_path):
    written = result.write(tmp_path / "heights.json")
    again = Heights.from_dict(json.loads(written.read_text()))
    assert again.provenance == result.provenance
    np.testing.assert_array_equal(again.heights, result.heights)


def test_a_file_tells_units_settings_and_version(result):
    class Known(Heights):
        units = {"heights": "Å"}  # noqa: RUF012

    asked = Known(result.heights, settings={"pairs": ("In-S",), "windows": None})
    told = json.loads(json.dumps(asked.as_dict()))
    assert told["units"] == {"heights": "Å"}
    assert told["settings"] == {"pairs": ["In-S"], "windows": None}
    assert told["ionface"]
    assert Known.from_dict(told).as_dict() == told


def test_a_result_becomes_a_data_frame(result):
    frame = pytest.importorskip("pandas") and result.to_pandas()
    assert list(frame.columns) == ["height (Å)"]
    assert frame["height (Å)"][0] == 1.0


def test_a_notebook_shows_the_figure_and_what_it_says(result, monkeypatch):
    from matplotlib.figure import Figure

    def figure(self):
        made = Figure()
        made.subplots().plot([0, 1, 2], [0, 1, 2])
        return made

    monkeypatch.setattr(Heights, "plot", figure)
    html = result._repr_html_()
    assert "2 heights" in html
    assert html.count("<svg") == 1


def test_a_notebook_is_told_why_there_is_no_figure(result, monkeypatch):
    def refuse(self):
        raise AnalysisError("no height to draw")

    monkeypatch.setattr(Heights, "plot", refuse)
    assert "no height to draw" in result._repr_html_()


def test_numbers_of_a_stand_in_say_so_first_and_everywhere(result, tmp_path):
    told = Provenance({"code": "vasp"}, emulated=True, quick=True, sources=("a",))
    marked = replace(result, provenance=told)
    assert next(iter(marked.as_dict())) == "emulated"
    assert Heights.from_dict(marked.as_dict()).provenance == told
    assert "EMULATED" in repr(marked)
    assert "EMULATED" not in repr(result)


def test_a_result_of_another_kind_is_refused(result):
    with pytest.raises(AnalysisError, match=r"no heights result .*rdf"):
        Heights.from_dict(result.as_dict() | {"kind": "rdf"})
    with pytest.raises(AnalysisError, match="no heights result"):
        Heights.from_dict({})


def test_the_table_has_empty_fields_for_what_is_unknown(result, tmp_path):
    table = result.to_csv(tmp_path / "heights.csv").read_text()
    assert table.splitlines() == ["height (Å)", "1.0", '""']


def test_a_result_is_drawn_by_the_function_that_it_names(result):
    assert result.plot(title="In") == (result, "In")


def test_provenance_is_what_the_run_s_own_records_say():
    level = {"code": "vasp", "emulated": True}
    run = Trajectory(("In",), (), sources=("a",), meta={"level_of_theory": level})
    assert Provenance.of(run) == Provenance(level, emulated=True, sources=("a",))


def test_joint_numbers_are_worth_what_the_least_of_them_is():
    level = {"code": "vasp"}
    first = Provenance(level, sources=("a",))
    second = Provenance(level, quick=True, sources=("a", "b"))
    assert Provenance.joint([first, second]) == Provenance(
        level, quick=True, sources=("a", "b")
    )
    assert Provenance.joint([first, Provenance()]).level_of_theory is None


def test_plain_values_are_what_json_holds():
    values = {
        "a": np.array([[1, 2]]),
        "b": (np.float64(1.5), np.inf),
        3: np.array([np.nan]),
    }
    assert plain(values) == {"a": [[1, 2]], "b": [1.5, None], "3": [None]}
