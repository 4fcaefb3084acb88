"""Crystals of one user: relaxed once, by whichever study comes first."""

import multiprocessing
import os
import signal
import time
from dataclasses import replace

import pytest
from jobflow import run_locally
from pymatgen.core import Lattice, Structure

from ionface.workflows.engines.bulk_cache import cache_folder, relaxed_once
from ionface.workflows.engines.contract import RelaxSettings
from ionface.workflows.engines.records import RunRecord
from ionface.workflows.engines.registry import engine

AL = Structure(Lattice.cubic(4.0), ["Al"], [[0, 0, 0]])
RECORD = RunRecord(AL, -1.0, 0.0, True, 3, {"code": "none"}, "/somewhere")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IONFACE_BULK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Relaxation:
    """Counts how often it is done."""

    def __init__(self):
        self.done = 0

    def __call__(self):
        self.done += 1
        return RECORD


def test_the_second_study_takes_what_the_first_has_relaxed(folder):
    relax = Relaxation()
    first, second = (relaxed_once(["Al", 1], relax) for _ in range(2))
    assert relax.done == 1
    assert first == RECORD
    assert second.structure == RECORD.structure
    assert second.provenance == {"relaxed_in": "/somewhere"}
    relaxed_once(["Al", 2], relax)
    assert relax.done == 2


def test_it_can_be_switched_off(folder, monkeypatch):
    monkeypatch.setenv("IONFACE_BULK_CACHE", "off")
    relax = Relaxation()
    for _ in range(2):
        relaxed_once("Al", relax)
    assert relax.done == 2
    assert cache_folder() is None
    assert not folder.exists()


@pytest.mark.parametrize("harm", [lambda text: text[:-40], lambda text: text + "x"])
def test_a_damaged_file_is_no_result(folder, harm):
    relax = Relaxation()
    relaxed_once("Al", relax)
    (path,) = folder.glob("*.json")
    path.write_text(harm(path.read_text()))
    assert relaxed_once("Al", relax) == RECORD
    assert relax.done == 2
    relaxed_once("Al", relax)
    assert relax.done == 2


def test_a_cache_that_cannot_be_made_is_as_good_as_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("IONFACE_BULK_CACHE", str(tmp_path / "file" / "cache"))
    assert relaxed_once("Al", Relaxation()) == RECORD


def test_errors_of_the_relaxation_are_not_hidden(folder):
    def full():
        raise OSError(28, "disk full")

    with pytest.raises(OSError, match="disk full"):
        relaxed_once("Al", full)


def _slow(started, log):
    def relax():
        started.set()
        time.sleep(0.3)
        with log.open("a") as file:
            file.write("relaxed\n")
        return RECORD

    relaxed_once("Al", relax)


def _endless(started):
    def relax():
        started.set()
        time.sleep(60)

    relaxed_once("Al", relax)


@pytest.fixture
def fork():
    return multiprocessing.get_context("fork")


def test_two_at_once_relax_once(folder, tmp_path, fork):
    log = tmp_path / "log"
    started = fork.Event()
    both = [fork.Process(target=_slow, args=(started, log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert log.read_text() == "relaxed\n"


def test_whoever_waits_for_a_process_that_is_killed_relaxes_itself(folder, fork):
    started = fork.Event()
    process = fork.Process(target=_endless, args=(started,))
    process.start()
    assert started.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    relax = Relaxation()
    relaxed_once("Al", relax)
    assert relax.done == 1


@pytest.mark.slow
def test_potentials_share_crystals_of_one_level_and_setting_only(
    folder, tmp_path, monkeypatch
):
    """And nothing else: a slab belongs to its study."""
    monkeypatch.chdir(tmp_path)
    settings = RelaxSettings(fmax=0.05, cell="full", shared=True)
    first, again = relaxed(settings), relaxed(settings)
    assert again.provenance == {"relaxed_in": first.directory}
    assert relaxed(replace(settings, fmax=0.04)).provenance == {}
    assert len(list(folder.glob("*.json"))) == 2
    relaxed(RelaxSettings(fmax=0.05))
    assert len(list(folder.glob("*.json"))) == 2


def relaxed(settings):
    job = engine("ase.calculators.emt.EMT").relax(settings).make(AL)
    return run_locally(job, ensure_success=True, log=False)[job.uuid][1].output
