"""Large outputs go where they have room, and are found again."""

import pytest
from maggma.stores import MemoryStore

from ionface.errors import IonfaceError
from ionface.workflows.cluster.large_documents import FittingStore


def document(size):
    output = {"x": "y" * size}
    return {"uuid": "a", "index": 1, "name": "big", "metadata": {}, "output": output}


@pytest.fixture
def store():
    store = FittingStore(MemoryStore(), {"data": MemoryStore()})
    store.limit_mb = 1.0
    store.connect()
    return store


def test_a_small_document_stays_as_it_is(store):
    store.update(document(100), key=["uuid", "index"])
    assert store.docs_store.query_one({})["output"] == {"x": "y" * 100}


def test_a_large_output_is_moved_and_found_again(store):
    store.update(document(3_000_000), key=["uuid", "index"])
    assert len(str(store.docs_store.query_one({}))) < 1000
    assert store.get_output("a", load=True) == {"x": "y" * 3_000_000}


def test_what_no_document_can_hold_is_refused_without_a_store_for_it():
    bare = FittingStore(MemoryStore())
    bare.connect()
    bare.update(document(5_000_000), key=["uuid", "index"])
    with pytest.raises(IonfaceError, match="the result is kept"):
        bare.update(document(16_000_000), key=["uuid", "index"])
