"""Whether the files the server needs can be used."""

import sqlite3
from typing import Protocol

from finwise.errors import FinWiseError
from finwise.store.central import Central

_OLDEST_SQLITE = (3, 38)


class Folder(Protocol):
    """Where tenants' files are made."""

    def is_writable(self) -> bool: ...


class Health:
    """Looks at users.db and the tenants' folder."""

    def __init__(self, central: Central, folder: Folder) -> None:
        self._central = central
        self._folder = folder

    def problems(self) -> list[str]:
        found = []
        try:
            with self._central.read() as connection:
                connection.execute("SELECT count(*) FROM users").fetchone()
        except FinWiseError as error:
            found.append(f"users.db: {error.detail}")
        if not self._folder.is_writable():
            found.append("The folder of the tenants' files cannot be written.")
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            found.append(f"SQLite {sqlite3.sqlite_version} is too old. Update Python or the system.")
        return found
