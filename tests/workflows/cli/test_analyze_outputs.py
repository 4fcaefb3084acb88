"""`ionface analyze outputs`: one row for every file and folder, whatever it is."""

import json

import pytest

from ionface.errors import IonfaceError
from ionface.workflows.cli.analyze_outputs import analyze_outputs

XDATCAR = (
    "run\n1\n4 0 0\n0 4 0\n0 0 4\nIn S\n1 1\n"
    "Direct configuration=     1\n  0.10000000  0.00000000  0.00000000\n"
    "  0.50000000  0.50000000  0.50000000\n"
    "Direct configuration=     2\n  0.10000000  0.00000000  0.0000"
)


def test_good_cut_and_unreadable_files_each_have_a_row(tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    (run / "XDATCAR").write_text(XDATCAR)
    (run / "vasprun.xml").write_text("<modeling>")
    analyze_outputs(tmp_path, as_json=True)
    found = {row["path"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == {"run", "run/XDATCAR", "run/vasprun.xml"}
    assert (found["run/XDATCAR"]["frames"], found["run/XDATCAR"]["atoms"]) == (1, 2)
    assert "1 complete frame, then" in found["run/XDATCAR"]["reason"]
    assert found["run/vasprun.xml"]["frames"] == 0
    assert "no usable vasprun.xml" in found["run/vasprun.xml"]["reason"]
    assert found["run"]["frames"] == 1
    assert any("XDATCAR was chosen" in note for note in found["run"]["notes"])
    analyze_outputs(tmp_path, as_json=False)
    printed = capsys.readouterr().out
    assert "run/XDATCAR" in printed
    assert "refused" in printed


def test_what_holds_no_output_is_refused(tmp_path):
    with pytest.raises(IonfaceError, match="no output of a run"):
        analyze_outputs(tmp_path, as_json=False)
    (tmp_path / "XDATCAR").write_text(XDATCAR)
    with pytest.raises(IonfaceError, match="is a file"):
        analyze_outputs(tmp_path / "XDATCAR", as_json=False)
    with pytest.raises(IonfaceError, match="does not exist"):
        analyze_outputs(tmp_path / "nowhere", as_json=False)
