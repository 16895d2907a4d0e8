"""The trash: files of deleted tenants, and files that a restore replaced, until they are purged.

A file's name there says when and why it came: `<time>_<reason>_tenant_<UUID>.db`. Orphans, of which users.db knows
nothing, are set aside there as well and never purged: nobody decided that.
"""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from finwise.store.folder import Folder, move_database, remove_database, sorted_files

DELETED, REPLACED, ORPHAN = "deleted", "replaced", "orphan"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)_([a-z]+)_(tenant_[0-9a-f-]{36}\.db)", re.ASCII)


class Trash:
    """The trash of the tenants' folder. Its callers hold the tenant's lock."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.path = folder.path / "trash"

    def put(self, tenant_id: str, reason: str, moved_at: int) -> bool:
        """Moves a tenant's file here with its sidecars; `moved_at` in µs, the same when it is done again.

        False: another process has the file open, and it stays where it is.
        """
        file = self._folder.file(tenant_id)
        return move_database(file, self._folder.below("trash") / f"{_time(moved_at)}_{reason}_{file.name}")

    def find(self, tenant_id: str, moved_at: int | None = None) -> Path | None:
        """The file of the tenant that was moved here at `moved_at` (µs); if there is none, the one that is named last.

        The clock that names them may have been wrong, so that the last name need not be that of the last file.
        """
        name = self._folder.file(tenant_id).name
        when = None if moved_at is None else _time(moved_at)
        found = [
            match for file in sorted_files(self.path) if (match := _NAME.fullmatch(file.name)) and match[3] == name
        ]
        chosen = next((match for match in found if match[1] == when), found[-1] if found else None)
        return self.path / chosen[0] if chosen else None

    def purge(self, before: int) -> int:
        """Removes for good what came before `before` (µs), orphans excepted: how many files that were."""
        limit = _time(before)
        old = [
            file
            for file in sorted_files(self.path)
            if (match := _NAME.fullmatch(file.name)) and match[1] < limit and match[2] != ORPHAN
        ]
        return sum(remove_database(file) and self._forget_replication(file) for file in old)

    def _forget_replication(self, file: Path) -> bool:
        """Removes what Litestream keeps beside a tenant's file, unless the tenant is there again."""
        name = file.name.partition("_tenant_")[2]
        if not (self._folder.path / f"tenant_{name}").exists():
            shutil.rmtree(self._folder.path / f".tenant_{name}-litestream", ignore_errors=True)
        return True


def _time(micros: int) -> str:
    return (_EPOCH + timedelta(microseconds=micros)).strftime(_TIME)
