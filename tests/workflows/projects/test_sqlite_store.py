"""The store keeps what it has accepted: through kill -9, other writers, a full disk."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime

import pytest
from maggma.stores import MemoryStore
from monty.json import MontyDecoder

from ionface.errors import IonfaceError
from ionface.workflows.projects.sqlite_store import SqliteStore


@pytest.fixture
def store(tmp_path):
    with SqliteStore(tmp_path / "store.sqlite") as opened:
        yield opened


DOCUMENTS = [
    {"uuid": "a", "index": 1, "name": "relax", "output": {"energy": -1.5, "tags": [1]}},
    {"uuid": "a", "index": 2, "name": "relax", "output": {"energy": -2.5, "tags": []}},
    {"uuid": "b", "index": 1, "name": "static", "output": None},
]
QUERIES = [
    {},
    {"uuid": "a"},
    {"uuid": "a", "index": 2},
    {"uuid": {"$in": ["b", "c"]}},
    {"index": {"$gt": 1}},
    {"output.energy": {"$lt": -2}},
    {"output.tags": 1},
    {"name": "static", "output": None},
    {"uuid": "missing"},
]


@pytest.mark.parametrize("criteria", QUERIES, ids=str)
def test_queries_give_what_mongo_semantics_give(store, criteria):
    oracle = MemoryStore(key="uuid")
    oracle.connect()
    for each in (store, oracle):
        each.update([dict(doc) for doc in DOCUMENTS], key=["uuid", "index"])

    def found(target):
        docs = [
            {k: v for k, v in d.items() if k != "_id"} for d in target.query(criteria)
        ]
        return sorted(docs, key=lambda doc: (doc["uuid"], doc["index"]))

    assert found(store) == found(oracle)
    assert store.count(criteria) == oracle.count(criteria)


def test_an_update_replaces_the_document_with_the_same_key(store):
    store.update(DOCUMENTS, key=["uuid", "index"])
    store.update({"uuid": "a", "index": 2, "output": "new"}, key=["uuid", "index"])
    assert store.count() == 3
    assert store.query_one({"uuid": "a", "index": 2})["output"] == "new"


def test_sort_skip_limit_and_properties_work_together(store):
    store.update(DOCUMENTS, key=["uuid", "index"])
    found = store.query({"uuid": "a"}, ["index"], sort={"index": -1}, skip=1, limit=1)
    assert [doc["index"] for doc in found] == [1]


def test_dates_numbers_and_not_a_number_come_back_as_they_went_in(store):
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store.update({"uuid": "x", "when": when, "n": 2**40, "f": 0.1, "nan": float("nan")})
    doc = store.query_one({"uuid": "x"})
    assert doc["when"] == when.replace(
        tzinfo=None
    )  # as MongoDB gives dates: UTC, naive
    assert (doc["n"], doc["f"]) == (2**40, 0.1)
    assert doc["nan"] != doc["nan"]


def test_an_integer_and_its_text_are_different_keys(store):
    store.update({"uuid": "x", "index": 1, "v": "int"}, key=["uuid", "index"])
    store.update({"uuid": "x", "index": "1", "v": "str"}, key=["uuid", "index"])
    assert store.count() == 2


def test_documents_keyed_on_an_unindexed_field_are_refused(store):
    with pytest.raises(IonfaceError, match="cannot be keyed on \\['color'\\]"):
        store.update({"uuid": "x", "color": "red"}, key="color")


def test_an_index_made_later_finds_earlier_documents(store):
    store.update({"uuid": "x", "color": "red"})
    assert store.ensure_index("color")
    assert store.query_one({"color": "red"})["uuid"] == "x"


def test_removed_documents_are_gone(store):
    store.update(DOCUMENTS, key=["uuid", "index"])
    store.remove_docs({"index": {"$lt": 2}})
    assert [doc["index"] for doc in store.query()] == [2]


def test_groups_hold_every_document_once(store):
    store.update(DOCUMENTS, key=["uuid", "index"])
    groups = {key["uuid"]: len(docs) for key, docs in store.groupby("uuid")}
    assert groups == {"a": 2, "b": 1}


def test_distinct_values_are_found(store):
    store.update(DOCUMENTS, key=["uuid", "index"])
    assert sorted(store.distinct("uuid")) == ["a", "b"]


def test_the_store_survives_serialization(store):
    copy = MontyDecoder().process_decoded(store.as_dict())
    assert copy == store


def test_a_batch_is_stored_whole_or_not_at_all(store):
    with pytest.raises(KeyError):
        store.update([{"uuid": "good"}, {"no key": 1}])
    assert store.count() == 0


WRITER = """
import sys
from ionface.workflows.projects.sqlite_store import SqliteStore
store = SqliteStore(sys.argv[1])
store.connect()
for number in range(int(sys.argv[3])):
    store.update({"uuid": f"{sys.argv[2]}-{number}", "output": "x" * 5000})
    print(number, flush=True)
"""


def _start(path, name, number):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(number)],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("names", ["ab", pytest.param("abcd", marks=pytest.mark.slow)])
def test_writers_at_once_lose_nothing(tmp_path, names):
    path = tmp_path / "store.sqlite"
    SqliteStore(path).connect()
    writers = [_start(path, name, 25) for name in names]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert SqliteStore(path).count() == 25 * len(names)


def test_every_acknowledged_document_survives_kill_9(tmp_path):
    path = tmp_path / "store.sqlite"
    SqliteStore(path).connect()
    writer = _start(path, "a", 100_000)
    for _ in range(20):
        acknowledged = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    more = writer.communicate()[0].split()
    acknowledged = int(more[-1]) if more else acknowledged
    found = {doc["uuid"] for doc in SqliteStore(path).query()}
    assert found >= {f"a-{number}" for number in range(acknowledged + 1)}


FILLER = """
import resource, signal, sys
from ionface.workflows.projects.sqlite_store import SqliteStore
from ionface.errors import IonfaceError
store = SqliteStore(sys.argv[1])
store.connect()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
for number in range(1000):
    try:
        store.update({"uuid": str(number), "output": "x" * 5000})
    except IonfaceError as error:
        print(error, file=sys.stderr)
        sys.exit(7)
    print(number, flush=True)
"""


def test_a_file_that_cannot_grow_keeps_what_was_accepted(tmp_path):
    """A file-size limit stands in for the full disk: the same write fails."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    path = tmp_path / "store.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", FILLER, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 7, run.stderr
    assert "nothing that was finished is lost" in run.stderr
    accepted = set(run.stdout.split())
    assert {doc["uuid"] for doc in SqliteStore(path).query()} >= accepted


@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_truncated_store_is_refused_with_the_way_out(tmp_path, kept):
    path = tmp_path / "store.sqlite"
    with SqliteStore(path) as store:
        store.update([{"uuid": str(i), "output": "x" * 3000} for i in range(50)])
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(IonfaceError, match="damaged or truncated; put a backup"):
        SqliteStore(path).connect()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "store.sqlite"
    path.write_text(textwrap.dedent("this is a letter, not a database " * 100))
    with pytest.raises(IonfaceError, match="not a database"):
        SqliteStore(path).connect()


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(IonfaceError, match="cannot be written"):
        SqliteStore(tmp_path / "nowhere" / "store.sqlite").connect()


def test_a_character_that_changed_on_the_disk_is_not_believed(tmp_path):
    path = tmp_path / "store.sqlite"
    with SqliteStore(path) as store:
        store.update({"uuid": "a", "output": {"e_total": "1.8456789"}})
    data = path.read_bytes()
    assert data.count(b"1.8456789") == 1
    path.write_bytes(data.replace(b"1.8456789", b"1.9456789"))
    with pytest.raises(IonfaceError, match=r"not as written.*results are taken from"):
        list(SqliteStore(path).query())


def test_a_folder_that_nobody_may_write_can_be_looked_at(tmp_path, monkeypatch):
    path = tmp_path / "store.sqlite"
    with SqliteStore(path) as store:
        store.update({"uuid": "a", "output": 1})
    before = sorted(tmp_path.iterdir())
    # root may write anywhere: the question is answered for it
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    store = SqliteStore(path)
    assert store.query_one({"uuid": "a"})["output"] == 1
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(IonfaceError, match="cannot be written"):
        store.update({"uuid": "b"})
