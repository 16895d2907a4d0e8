"""What a SQLite file holds, to compare before and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

Dump = dict[str, list[Any]]


def dump(path: Path, *, without: Collection[str] = ()) -> Dump:
    """Every row of every table, the schema and the marks of a file, read through SQLite: the server may have it open.

    A plain open() of a database in the process that serves it would drop SQLite's locks.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        schema = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
        held: Dump = {"schema": schema}
        for mark in ("application_id", "user_version"):
            held[mark] = connection.execute(f"PRAGMA {mark}").fetchall()
        for kind, name, _ in schema:
            if kind == "table" and name not in without:
                held[name] = connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()
    return held
