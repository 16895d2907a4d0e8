"""The least that the stack can do: a sync server that leaves out all that can be left out. Not a product.

What was pushed is checked by msgspec, stored as the JSON text it is, and goes out again unread. No users, no access
checks, no deletions, no conflicts, no digests, no log. `app` is Flask, `raw` the same work without it. Data is kept in
the working directory.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import orjson
from flask import Flask, Response, request

_TABLE = """CREATE TABLE IF NOT EXISTS bookings (
           id TEXT PRIMARY KEY, updated_at TEXT NOT NULL, stamp INTEGER NOT NULL, body BLOB NOT NULL)"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_stamp ON bookings (stamp)"
_PUT = """INSERT INTO bookings (id, updated_at, stamp, body) VALUES (?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, stamp = excluded.stamp, body = excluded.body
          WHERE excluded.updated_at > bookings.updated_at"""
_PATH = "/sync/changes/"
_connections = threading.local()


class Booking(msgspec.Struct):
    """What is checked of a booking."""

    id: UUID
    accountId: UUID
    date: dt.date
    valueDate: dt.date
    amount: Decimal
    description: Annotated[str, msgspec.Meta(max_length=1000)]
    created_at: dt.datetime
    updated_at: dt.datetime
    type: Literal["EXPENSE", "INCOME"]
    runningBalance: Decimal
    tagIds: list[UUID]
    isReconciliation: bool
    isCategoryTransfer: bool
    reconciled: bool
    categoryId: UUID | None = None
    recipientId: UUID | None = None
    note: str | None = None
    counterTransactionId: UUID | None = None
    planningTransactionId: UUID | None = None
    transferToAccountId: UUID | None = None
    payee: str | None = None


def push(tenant: str, body: bytes) -> bytes:
    """Stores what is newer than what is stored, in one synced commit; a result for each."""
    bookings = orjson.loads(body)["changes"]
    msgspec.convert(bookings, list[Booking])
    connection = _connection(tenant)
    connection.execute("BEGIN IMMEDIATE")
    try:
        last = connection.execute("SELECT max(stamp) FROM bookings").fetchone()[0] or 0
        rows = [(each["id"], each["updated_at"], last + at, orjson.dumps(each)) for at, each in enumerate(bookings, 1)]
        connection.executemany(_PUT, rows)
        stored = {row[0] for row in connection.execute("SELECT id FROM bookings WHERE stamp > ?", (last,))}
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    results = [{"id": row[0], "status": "applied" if row[0] in stored else "superseded"} for row in rows]
    return orjson.dumps({"results": results})


def pull(tenant: str, since: int) -> bytes:
    """What was stored after a stamp."""
    select = "SELECT stamp, body FROM bookings WHERE stamp > ? ORDER BY stamp"
    rows = _connection(tenant).execute(select, (since,)).fetchall()
    cursor = rows[-1][0] if rows else since
    return b'{"changes":[%b],"cursor":%d}' % (b",".join([body for _, body in rows]), cursor)


def _connection(tenant: str) -> sqlite3.Connection:
    """One per thread and tenant, never closed."""
    opened: dict[str, sqlite3.Connection] = _connections.__dict__
    if tenant not in opened:
        made = sqlite3.connect(f"{tenant}.db", isolation_level=None, cached_statements=64)
        for statement in ("PRAGMA busy_timeout = 5000", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
            made.execute(statement)
        made.execute(_TABLE)
        made.execute(_INDEX)
        opened[tenant] = made
    return opened[tenant]


app = Flask(__name__)


@app.get("/")
def up() -> str:
    """That it is there."""
    return "up"


@app.post(f"{_PATH}<tenant>")
def push_changes(tenant: str) -> Response:
    """`push` through Flask."""
    return Response(push(tenant, request.get_data(cache=False)), mimetype="application/json")


@app.get(f"{_PATH}<tenant>")
def pull_changes(tenant: str) -> Response:
    """`pull` through Flask."""
    return Response(pull(tenant, int(request.args.get("since", 0))), mimetype="application/json")


def raw(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """A WSGI application that does `push` and `pull` and nothing else."""
    path = environ["PATH_INFO"]
    if not path.startswith(_PATH):
        body = b'"up"'
    elif environ["REQUEST_METHOD"] == "POST":
        body = push(path[len(_PATH) :], environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    else:
        body = pull(path[len(_PATH) :], int(environ["QUERY_STRING"].partition("since=")[2] or 0))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
