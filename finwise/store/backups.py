"""Backups on disk: a folder with a copy of each file and `manifest.json`, which says what they are.

    finwise-20261122T193000.123456Z/
        manifest.json
        users.db
        tenant_<UUID>.db

While it is being made the folder's name ends with `.partial`; one without that ending is complete. If nobody
writes to a `.partial` folder for a day, its backup died; the next one removes it.
"""

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from finwise.domain.backups import Entry, Leftovers, Manifest
from finwise.domain.copies import Fingerprint
from finwise.domain.tenant import Tenant
from finwise.errors import Invalid, Quarantined, ReadOnly
from finwise.store.book import Connections
from finwise.store.connection import connect, snapshot
from finwise.store.copies import copy, fingerprint
from finwise.store.damages import content, damages, damages_of_users
from finwise.store.folder import make_folder, sync_folder
from finwise.store.permissions import hand_over
from finwise.store.sqlite_errors import translated
from finwise.store.tenants import list_tenants
from finwise.store.users_database import UsersDatabase

FORMAT = 1
MANIFEST, USERS = "manifest.json", "users.db"

_PARTIAL = re.compile(r"finwise-\d{8}T\d{6}\.\d{6}Z\.partial", re.ASCII)
_ABANDONED_AFTER = 24 * 60 * 60  # seconds without a write; a large tenant's file may take hours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeptArchives:
    """Reads backups; needs no installation."""

    def read(self, archive: Path) -> Manifest:
        try:
            said = json.loads((archive / MANIFEST).read_bytes())
            if said["format"] != FORMAT:
                raise Invalid(f"{archive} was made by a FinWise that writes backups of another form.")
            users_db = Fingerprint(**said["users_db"]) if said["users_db"] else None
            entries = [Entry(**entry) for entry in said["tenants"]]
            return Manifest(said["finwise"], said["made_at"], users_db, entries, said["problems"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Invalid(f"{archive} is not a backup: it has no readable {MANIFEST}.") from error

    def file_of(self, archive: Path, entry: Entry) -> Path:
        return _require_unchanged(archive / Path(entry.file).name, Fingerprint(entry.bytes, entry.sha256))

    def users_file(self, archive: Path, expected: Fingerprint) -> Path:
        return _require_unchanged(archive / USERS, expected)


class Archives(KeptArchives):
    """Makes backups (domain/backups.py says what is promised)."""

    def __init__(self, users_database: UsersDatabase, databases: Connections) -> None:
        self._users_database = users_database
        self._databases = databases

    def begin(self, folder: Path, now: int) -> Path:
        when = (_EPOCH + timedelta(microseconds=now)).strftime("%Y%m%dT%H%M%S.%fZ")
        archive = folder / f"finwise-{when}.partial"
        try:
            make_folder(folder)
            archive.mkdir(mode=0o700)
            hand_over(archive)
        except OSError as error:
            raise ReadOnly(f"{folder} cannot be written: {error.strerror}.") from error
        return archive

    def remove_leftovers(self, archive: Path) -> Leftovers:
        now = _last_write(archive)  # by the clock that dates the others, which may be that of a file server
        removed: list[str] = []
        kept: list[str] = []
        for left in sorted(archive.parent.iterdir()):
            if left == archive or not _PARTIAL.fullmatch(left.name):
                continue
            with suppress(FileNotFoundError):  # completed in this moment
                if now - _last_write(left) > _ABANDONED_AFTER:
                    shutil.rmtree(left, ignore_errors=True)
                (kept if left.exists() else removed).append(left.name)
        return Leftovers(removed, kept)

    @translated()
    def add_users(self, archive: Path) -> Fingerprint:
        with translated():
            with self._users_database.read() as connection:
                copy(connection, archive / USERS)
            with closing(connect(archive / USERS)) as made, snapshot(made):
                _require_whole(damages_of_users(made))
        return fingerprint(archive / USERS)

    def list_tenants(self, archive: Path) -> list[Tenant]:
        with translated(), closing(connect(archive / USERS)) as made:
            return list_tenants(made)

    @translated()
    def add_tenant(self, archive: Path, tenant_id: str, name: str, user_id: str | None) -> Entry:
        file = archive / f"tenant_{tenant_id}.db"
        with self._databases.read(tenant_id) as connection:
            copy(connection, file)
        with translated(), closing(connect(file)) as made, snapshot(made):
            _require_whole(damages(made))
            held = content(made)
        size, sha256 = fingerprint(file)
        return Entry(tenant_id, name, user_id, file.name, size, sha256, **held._asdict())

    @translated()
    def discard_tenant(self, archive: Path, tenant_id: str) -> None:
        (archive / f"tenant_{tenant_id}.db").unlink(missing_ok=True)

    @translated()
    def finish(self, archive: Path, manifest: Manifest) -> Path:
        said = {"format": FORMAT, "sqlite": sqlite3.sqlite_version} | manifest._asdict()
        said["users_db"] = manifest.users_db and manifest.users_db._asdict()
        said["tenants"] = [entry._asdict() for entry in manifest.tenants]
        with (archive / MANIFEST).open("w", encoding="utf-8") as file:
            json.dump(said, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        hand_over(archive / MANIFEST)
        sync_folder(archive)
        complete = archive.with_suffix("")
        archive.rename(complete)
        sync_folder(complete.parent)
        return complete

    def put_users(self, archive: Path, expected: Fingerprint) -> None:
        with translated(), closing(connect(_require_unchanged(archive / USERS, expected))) as kept:
            self._users_database.replace_by(kept)


def _last_write(folder: Path) -> float:
    """When something in a folder was last written, in seconds since 1970."""
    return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))


def _require_unchanged(file: Path, expected: Fingerprint) -> Path:
    if fingerprint(file) != expected:
        raise Invalid(f"{file} is not what was backed up: its content has changed.")
    return file


def _require_whole(found: list[str]) -> None:
    if found:
        raise Quarantined(f"The copy is not intact. {' '.join(found)}", retry_after=300)
