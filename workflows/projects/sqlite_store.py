"""A maggma Store on the standard library's sqlite3: durable, and no server.

Several processes on one host may write at once; a document that `update` has accepted
survives kill -9 and a full disk (WAL, synchronous=FULL, BEGIN IMMEDIATE). For local
disks only: SQLite's locks do not hold on NFS or Lustre; there, use MongoDB.

Documents are stored as JSON text beside a table of their indexed fields. A query
narrows the candidates by indexed equality in SQL; mongomock decides the rest, so that
Mongo's query language keeps its exact meaning.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby as group_sorted
from pathlib import Path
from typing import Any
from zlib import crc32

from maggma.core import Sort, Store

from ionface.errors import IonfaceError

Document = dict[str, Any]
Criteria = dict[str, Any]
BUSY_SECONDS = 60.0
INDEXED = ("uuid", "index", "name", "blob_uuid", "job_uuid", "job_index")
SCHEMA = """
create table if not exists "{table}" (
  id integer primary key, doc text not null, crc integer not null);
create table if not exists "{table}_keys" (
  field text not null, value not null, id integer not null
    references "{table}"(id) on delete cascade,
  primary key (field, value, id)
) without rowid;
create index if not exists "{table}_ids" on "{table}_keys" (id);
"""


class SqliteStore(Store):
    """Documents of one collection in one sqlite file.

    Args:
        path: the database file; its folder must exist.
        collection: several collections may share one file.
        indexed: fields found without reading every document; their values must be
            scalars.
        kwargs: of maggma's Store (key, last_updated_field, ...).
    """

    def __init__(
        self,
        path: str | Path,
        collection: str = "docs",
        indexed: tuple[str, ...] = INDEXED,
        **kwargs: Any,
    ) -> None:
        self.path = str(path)
        self.collection = collection
        self.indexed = tuple(indexed)
        self._connection: sqlite3.Connection | None = None
        kwargs.setdefault("key", "uuid")
        super().__init__(**kwargs)

    # --- connection -----------------------------------------------------------------

    @property
    def name(self) -> str:
        """Return the store's address."""
        return f"sqlite://{self.path}#{self.collection}"

    @property
    def _collection(self) -> sqlite3.Connection:
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def connect(self, force_reset: bool = False) -> None:
        """Open the file, create the tables, and refuse a damaged database."""
        if self._connection is not None and not force_reset:
            return
        self.close()
        with self._explained():
            self._connection = self._opened(read_only=not self._writable())

    def _writable(self) -> bool:
        path = Path(self.path)
        return os.access(path if path.exists() else path.parent, os.W_OK) and os.access(
            path.parent, os.W_OK
        )

    def _opened(self, *, read_only: bool) -> sqlite3.Connection:
        # an archive's or a colleague's folder: nobody writes there, nor do we
        address = f"{Path(self.path).resolve().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(
            address if read_only else self.path,
            uri=read_only,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        if not read_only:
            connection.execute("pragma journal_mode=wal")
            connection.execute("pragma synchronous=full")
            connection.execute("pragma foreign_keys=on")
        verdict = connection.execute("pragma quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        if not read_only:
            for statement in SCHEMA.format(table=self.collection).split(";"):
                connection.execute(statement)
        return connection

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise IonfaceError(self._explain(error)) from error

    def _explain(self, error: sqlite3.DatabaseError) -> str:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            way_out = (
                "the disk is full or refuses to write; nothing that was finished is "
                "lost: free space and run the same command again"
            )
        elif "readonly" in text or "unable to open" in text:
            way_out = "it cannot be written; check the folder's permissions and mount"
        elif "locked" in text:
            way_out = f"another process held it for {BUSY_SECONDS:.0f} s; try again"
        else:
            way_out = (
                "the file is damaged or truncated; put a backup in its place, or move "
                "it away and run again: results are taken from runs/, none is "
                "computed again"
            )
        return f"store {self.path}: {text}; {way_out}"

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            connection = self._collection
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                # SQLite itself rolls back on a full disk: then none is open any more
                if connection.in_transaction:
                    connection.execute("rollback")
                raise
            connection.execute("commit")

    # --- writing --------------------------------------------------------------------

    def update(
        self, docs: list[Document] | Document, key: list[str] | str | None = None
    ) -> None:
        """Insert documents, replacing those with the same key; all or none.

        Args:
            docs: plain documents; ObjectId and datetime values are kept.
            key: the field or fields that identify a document; the store's key if
                not given. They must be indexed.
        """
        from bson import json_util

        keys = self._key_fields(key)
        batch = docs if isinstance(docs, list) else [docs]
        with self._transaction() as connection:
            for doc in batch:
                plain = {field: doc[field] for field in doc if field != "_id"}
                self._delete(connection, self._candidates({k: doc[k] for k in keys}))
                text = json_util.dumps(plain, json_options=_json_options())
                cursor = connection.execute(
                    f'insert into "{self.collection}" (doc, crc) values (?, ?)',
                    (text, crc32(text.encode())),
                )
                connection.executemany(
                    f'insert into "{self.collection}_keys" values (?, ?, ?)',
                    [(f, v, cursor.lastrowid) for f, v in self._index_values(plain)],
                )

    def _key_fields(self, key: list[str] | str | None) -> list[str]:
        fields = [key] if isinstance(key, str) else list(key or [self.key])
        if unknown := [f for f in fields if f not in self.indexed]:
            raise IonfaceError(
                f"documents of {self.name} cannot be keyed on {unknown}; "
                f"indexed fields are {list(self.indexed)}"
            )
        return fields

    def _index_values(self, doc: Document) -> Iterator[tuple[str, str | int]]:
        for field in self.indexed:
            if isinstance(value := doc.get(field), str | int):
                yield field, value

    def _delete(self, connection: sqlite3.Connection, ids: list[int]) -> None:
        connection.executemany(
            f'delete from "{self.collection}" where id = ?', [(i,) for i in ids]
        )

    def remove_docs(self, criteria: Criteria) -> None:
        """Remove the documents that match, all or none."""
        with self._transaction() as connection:
            matching = [doc["_id"] for doc in self._find(criteria)]
            self._delete(connection, matching)

    def ensure_index(self, key: str, unique: bool = False) -> bool:  # noqa: ARG002
        """Index a field; uniqueness comes from the key passed to update."""
        if key in self.indexed:
            return True
        self.indexed = (*self.indexed, key)
        with self._transaction() as connection:
            rows = [
                (key, doc[key], doc["_id"])
                for doc in self._documents(None)
                if isinstance(doc.get(key), str | int)
            ]
            connection.executemany(
                f'insert or ignore into "{self.collection}_keys" values (?, ?, ?)', rows
            )
        return True

    # --- reading --------------------------------------------------------------------

    def _candidates(self, criteria: Criteria) -> list[int]:
        """Return ids of documents whose indexed fields equal the criteria's scalars."""
        selects, values = [], []
        for field, wanted in criteria.items():
            if field in self.indexed and isinstance(wanted, str | int):
                selects.append(
                    f'select id from "{self.collection}_keys" where field=? and value=?'
                )
                values += [field, wanted]
        if not selects:
            rows = self._collection.execute(f'select id from "{self.collection}"')
        else:
            rows = self._collection.execute(" intersect ".join(selects), values)
        return sorted(row[0] for row in rows)

    def _documents(self, criteria: Criteria | None) -> Iterator[Document]:
        from bson import json_util

        for number in self._candidates(criteria or {}):
            row = self._collection.execute(
                f'select doc, crc from "{self.collection}" where id = ?', (number,)
            ).fetchone()
            if row is None:
                continue
            # SQLite checks its pages, not what stands in them
            if crc32(str(row[0]).encode()) != row[1]:
                raise sqlite3.DatabaseError(f"document {number} is not as written")
            yield {"_id": number, **json_util.loads(row[0])}

    def _find(self, criteria: Criteria | None, **options: Any) -> Iterator[Document]:
        import mongomock

        scratch: Any = mongomock.MongoClient().db.scratch
        if documents := list(self._documents(criteria)):
            scratch.insert_many(documents)
        yield from scratch.find(criteria or {}, **options)

    def query(
        self,
        criteria: Criteria | None = None,
        properties: dict[str, Any] | list[str] | None = None,
        sort: dict[str, Sort | int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[Document]:
        """Yield matching documents, in Mongo's query language."""
        if isinstance(properties, list):
            properties = dict.fromkeys(properties, 1)
        order = [
            (field, way.value if isinstance(way, Sort) else way)
            for field, way in (sort or {}).items()
        ]
        with self._explained():
            yield from self._find(
                criteria,
                projection=properties,
                sort=order or None,
                skip=skip,
                limit=limit,
            )

    def count(self, criteria: Criteria | None = None) -> int:
        """Return how many documents match."""
        with self._explained():
            if not criteria:
                return len(self._candidates({}))
            return sum(1 for _ in self._find(criteria))

    def groupby(
        self,
        keys: list[str] | str,
        criteria: Criteria | None = None,
        properties: dict[str, Any] | list[str] | None = None,
        sort: dict[str, Sort | int] | None = None,
        skip: int = 0,
        limit: int = 0,
    ) -> Iterator[tuple[Document, list[Document]]]:
        """Yield (key values, documents), as maggma's MemoryStore does."""
        from pydash import get, has, set_

        fields = [keys] if isinstance(keys, str) else list(keys)
        wanted = [*fields, *(properties or [])] if properties else None
        found = [
            doc
            for doc in self.query(criteria, wanted, sort, skip, limit)
            if all(has(doc, field) for field in fields)
        ]

        def values(doc: Document) -> tuple[Any, ...]:
            return tuple(get(doc, field) for field in fields)

        for group_values, group in group_sorted(sorted(found, key=values), key=values):
            group_key: Document = {}
            for field, value in zip(fields, group_values, strict=True):
                set_(group_key, field, value)
            yield group_key, list(group)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SqliteStore) and self.name == other.name

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "_connection": None}


def _json_options() -> Any:
    from bson import json_util

    return json_util.RELAXED_JSON_OPTIONS
