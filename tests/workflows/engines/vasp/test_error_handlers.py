"""Errors in dynamics end the run; the next one takes what custodian would change."""

import json
import shutil

import pytest
from pymatgen.io.vasp import Incar

from ionface.errors import IonfaceError
from ionface.workflows.engines.contract import DynamicsSettings
from ionface.workflows.engines.vasp.error_handlers import (
    MAX_MENDS,
    MENDED,
    DynamicsErrors,
    goes_on,
    incar_changes,
    mended_incar,
)


@pytest.fixture
def failed(double, run_job, slab, monkeypatch, tmp_path):
    """A job whose first run met an error at its fourth step, and its record."""
    from pathlib import Path

    monkeypatch.setenv("IONFACE_VASP_FAULT", "edddav:4")
    monkeypatch.setenv("IONFACE_VASP_MARKS", str(tmp_path / "marks"))
    maker = double().dynamics(DynamicsSettings(steps=9, seed=1))
    record = run_job("md", maker.make(slab))
    return record, Path(record.directory).parent


@pytest.mark.slow
def test_the_next_part_goes_on_with_the_keys_that_custodian_sets(failed):
    record, folder = failed
    assert record.last_step == 8
    first, second = (Incar.from_file(folder / f"run-00{n}/INCAR") for n in (1, 2))
    assert (first["ALGO"], second["ALGO"]) == ("Fast", "All")
    assert second["NSW"] == 9 - 3 + 1  # three steps were whole; one is repeated
    (check,) = json.loads((folder / "restarts.json").read_text())
    assert (check["step"], check["repeated"]) == (3, True)


@pytest.mark.slow
def test_the_run_that_failed_stays_as_it_was(failed):
    _, folder = failed
    run = folder / "run-001"
    before = {p.name: p.read_bytes() for p in run.iterdir() if p.is_file()}
    handler = DynamicsErrors()
    changes = incar_changes(run, handler.errors_subset_to_catch)
    assert changes["ALGO"] == "All"
    assert {p.name: p.read_bytes() for p in run.iterdir() if p.is_file()} == before
    assert not list(folder.glob(".mending-*"))


def test_what_was_mended_before_stays_mended(tmp_path):
    folders = [tmp_path / f"run-00{n}" for n in (1, 2, 3)]
    for run, keys in zip(folders, ({"ALGO": "All"}, {"LREAL": False}, {}), strict=True):
        run.mkdir()
        (run / MENDED).write_text(json.dumps({"errors": ["x"], "incar": keys}))
    assert mended_incar(folders) == {"ALGO": "All", "LREAL": False}
    assert goes_on(folders[1], folders)
    assert not goes_on(folders[2], folders)  # custodian knows nothing to change
    many = folders[:1] * (MAX_MENDS + 1)
    assert not goes_on(folders[0], many)
    shutil.rmtree(folders[0])
    assert not goes_on(folders[0], folders[1:])


@pytest.mark.slow
def test_an_error_that_strikes_at_every_start_ends_with_a_message(
    double, run_job, slab, monkeypatch
):
    monkeypatch.setenv("IONFACE_VASP_FAULT", "edddav:1!")
    maker = double().dynamics(DynamicsSettings(steps=4, seed=1))
    with pytest.raises(IonfaceError, match="VASP failed"):
        run_job("md", maker.make(slab))
