"""What `ionface doctor` says of engines that other packages add."""

import pytest

from ionface.errors import IonfaceError, NotInstalledError
from ionface.plugins import added
from ionface.workflows.cli.doctor_command import findings


@pytest.fixture
def finding(springs):
    """Return what is found of the engine of these tests."""

    def find():
        return next(f for f in findings() if f.subject == "engine springs")

    return find


def test_an_added_engine_is_told_with_its_level_and_its_package(finding):
    assert finding().state == "ok"
    assert finding().detail == "springs 1.0, none; added by springs"
    assert [entry.name for entry in added("ionface.engines")] == ["springs"]


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [
        (IonfaceError("no spring factory"), "broken", "no spring factory"),
        (ZeroDivisionError("oh"), "broken", "ZeroDivisionError('oh')"),
        (NotInstalledError("springs need steel"), "missing", "springs need steel"),
    ],
)
def test_an_added_engine_that_cannot_start_is_told(
    finding, monkeypatch, error, state, told
):
    from springs_engine import Springs

    def refuse(self, maker, *, here):
        assert here
        raise error

    monkeypatch.setattr(Springs, "check_start", refuse, raising=False)
    found = finding()
    assert (found.state, found.detail) == (state, told)
    assert "springs" in found.way_out


def test_an_added_engine_that_cannot_be_imported_breaks_nothing_else(
    finding, monkeypatch
):
    import sys

    monkeypatch.setitem(sys.modules, "springs_engine", None)
    assert finding().state == "broken"
    assert "springs adds 'springs' to ionface.engines, which cannot be imported" in (
        finding().detail
    )
