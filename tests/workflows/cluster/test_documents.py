"""Small documents: judged before a calculation, moved after it."""

import pytest
from jobflow import JobStore
from maggma.stores import MemoryStore

from ionface.errors import IonfaceError
from ionface.workflows.cluster.documents import (
    BYTES_PER_ATOM,
    check_room,
    expected_mb,
    fitted,
    size_mb,
)


@pytest.fixture
def store():
    found = JobStore(MemoryStore(), {"data": MemoryStore()})
    found.connect()
    return found


def document(size):
    return {
        "uuid": "a",
        "index": 1,
        "name": "big",
        "metadata": {},
        "output": {"x": "y" * size},
    }


def test_a_small_document_stays_as_it_is(store):
    small = document(100)
    assert fitted(small, None, store, 1.0) == (small, None)


def test_a_large_output_is_moved_with_its_digest_and_found_again(store):
    told, save = fitted(document(3_000_000), None, store, 1.0)
    store.update(told, key=["uuid", "index"], save=save)
    (kept,) = store.docs_store.query({})
    assert size_mb({k: v for k, v in kept.items() if k != "_id"}) < 0.01
    assert len(kept["metadata"]["output_sha256"]) == 64
    assert store.get_output("a", load=True) == {"x": "y" * 3_000_000}


def test_what_no_document_can_hold_is_refused_without_a_store_for_it():
    bare = JobStore(MemoryStore())
    fitted(document(5_000_000), None, bare, 1.0)
    with pytest.raises(IonfaceError, match="the result is kept"):
        fitted(document(16_000_000), None, bare, 1.0)


def test_a_job_that_would_return_too_much_is_refused_before_it_runs(store):
    spec = {"_tasks": [{"job": {"function_args": [{"sites": [{}] * 9000}]}}]}
    assert expected_mb(spec) == pytest.approx(3 * 9000 * BYTES_PER_ATOM / 1e6)
    check_room("job", spec, store)
    with pytest.raises(IonfaceError, match="may return"):
        check_room("job", spec, JobStore(MemoryStore()))


def test_the_estimate_of_an_atom_is_an_upper_bound():
    from pymatgen.core import Lattice, Structure

    rng = __import__("numpy").random.default_rng(0)
    structure = Structure(
        Lattice.cubic(20),
        ["Li"] * 100,
        rng.random((100, 3)),
        site_properties={
            "phase": ["Li10GeP2S12"] * 100,
            "layer": list(range(100)),
            "fixed": [True] * 100,
            "molecule": [3] * 100,
            "velocities": rng.random((100, 3)).tolist(),
        },
    )
    assert size_mb(structure.as_dict()) * 1e6 / 100 < BYTES_PER_ATOM
