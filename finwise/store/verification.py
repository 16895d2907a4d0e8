"""Whether a tenant's file is intact, and users.db."""

from finwise.errors import Quarantined
from finwise.store.book import Connections
from finwise.store.damages import damages, damages_of_users
from finwise.store.users_database import UsersDatabase


class Wholeness:
    """Checks files, each in one snapshot, without changing them."""

    def __init__(self, users_database: UsersDatabase, databases: Connections) -> None:
        self._users_database = users_database
        self._databases = databases

    def damages(self, tenant_id: str) -> list[str]:
        with self._databases.read(tenant_id) as connection:
            return damages(connection)

    def damages_of_users(self) -> list[str]:
        try:
            with self._users_database.read() as connection:
                return damages_of_users(connection)
        except Quarantined as error:
            return [error.detail]
