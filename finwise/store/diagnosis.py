"""What an error in the work with a tenant's file means for its devices, and whether it comes of damage."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing

from finwise.errors import Busy, FinWiseError, Quarantined, QuotaExceeded, ReadOnly, StorageFull, quarantined
from finwise.store import migrations
from finwise.store.connection import connect, snapshot
from finwise.store.damages import damages, strange_objects
from finwise.store.folder import Folder
from finwise.store.permissions import refusal
from finwise.store.pool import Loan, identity
from finwise.store.sqlite_errors import meaning_of, translated

_ROOM = 64 * 1024 * 1024  # free bytes of a disk that is not full


class Explained:
    """A block that raises errors as what they mean. A class, as the blocks of connection.py."""

    __slots__ = ("_diagnosis", "_has_limit", "_loan", "_tenant_id")

    def __init__(self, diagnosis: "Diagnosis", tenant_id: str, loan: Loan, has_limit: bool) -> None:
        self._diagnosis = diagnosis
        self._tenant_id = tenant_id
        self._loan = loan
        self._has_limit = has_limit

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._diagnosis.explain(self._tenant_id, self._loan, self._has_limit, error)


class Diagnosis:
    """Explains errors with the tenants' files in `folder`; `report` gets each tenant whose file is damaged or missing.

    `report` may raise the explanation: TenantDeleted, Busy.
    """

    def __init__(self, folder: Folder, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._report = report

    def explained(self, tenant_id: str, loan: Loan, *, has_limit: bool = False) -> Explained:
        """A block whose SQLite errors are raised as what they mean for this tenant.

        `has_limit`: whether SQLite may refuse to let the file grow, as in a transaction.
        """
        return Explained(self, tenant_id, loan, has_limit)

    def explain(self, tenant_id: str, loan: Loan, has_limit: bool, error: BaseException) -> None:
        """Raises what an error means, if it means anything; for the block alone."""
        meaning = meaning_of(error)
        if meaning is None and not isinstance(error, FinWiseError) and isinstance(error, Exception):
            meaning = quarantined() if self._is_damaged(tenant_id) else None
        if isinstance(meaning, ReadOnly):  # perhaps it may be opened to read only
            meaning = refusal(self._folder.file(tenant_id)) or meaning
        # SQLite says the same of a disk that is full and of a file at its limit.
        is_full = isinstance(meaning, StorageFull) and "database or disk is full" in str(error)
        if is_full and has_limit and self._disk_has_room():
            meaning = QuotaExceeded("The tenant's quota is used up. Nothing was stored; delete something.")
        if isinstance(meaning or error, Quarantined):
            self._tell(tenant_id, loan)
        if meaning:
            raise meaning from error

    def _tell(self, tenant_id: str, loan: Loan) -> None:
        """Reports the file. Raises Busy if another has taken its place: that one was not found damaged."""
        with translated(), self._folder.locked(tenant_id):
            if identity(self._folder.file(tenant_id)) not in (loan.identity, None):
                raise Busy("The tenant is being restored. Try again in a moment.", retry_after=2) from None
            self._report(tenant_id)

    def _is_damaged(self, tenant_id: str) -> bool:
        """Whether an error that nobody expects comes of the file, such as a table whose name has another letter."""
        try:
            with closing(connect(self._folder.file(tenant_id))) as connection, snapshot(connection):
                is_current = migrations.is_current(connection, migrations.TENANT)
                return bool(damages(connection) if is_current else strange_objects(connection))
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            return True

    def _disk_has_room(self) -> bool:
        return shutil.disk_usage(self._folder.path).free > _ROOM
