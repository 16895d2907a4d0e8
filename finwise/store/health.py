"""Whether the files the server needs can be used."""

from typing import Protocol

from finwise.errors import Busy, FinWiseError, NotPermitted, ReadOnly, StorageFull
from finwise.store.users_database import UsersDatabase


class Folder(Protocol):
    """Where tenants' files are made."""

    def trouble(self) -> FinWiseError | None:
        """What keeps files from being made or used there."""


class Health:
    """Looks at users.db and the tenants' folder."""

    def __init__(self, users_database: UsersDatabase, folder: Folder) -> None:
        self._users_database = users_database
        self._folder = folder

    def problems(self) -> list[FinWiseError]:
        found: list[FinWiseError] = []
        try:
            with self._users_database.read() as connection:
                connection.execute("SELECT count(*) FROM users").fetchone()
        except FinWiseError as error:
            told = error if isinstance(error, NotPermitted | ReadOnly | StorageFull) else Busy(error.detail)
            told.detail = f"users.db: {error.detail}"
            found.append(told)
        if trouble := self._folder.trouble():
            found.append(trouble)
        return found
