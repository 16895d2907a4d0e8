"""What was acknowledged last, kept outside of a tenant's file: a mark says how often the book was written.

When a damaged write-ahead log is opened after a crash, SQLite cuts it off at the damage. The file is whole then, and
lacks commits that were acknowledged. A mark is written after the commit and is not synced, which takes some µs. It
outlasts the death of the server. After a loss of power it may be an older one, which says less but nothing wrong. A
restored book has another epoch, so the mark of before says nothing of it.
"""

import logging
import os
import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from zlib import crc32

from finwise.errors import Quarantined
from finwise.store.connection import Connection, Mark
from finwise.store.locks import open_beside

_SIZE = 64  # bytes, more than a mark has
_MARK = re.compile(rb"([0-9a-z]{1,32}) (\d{1,15}) (\d{1,10})\n.*", re.DOTALL)

log = logging.getLogger(__name__)


class Marks:
    """The marks of the tenants, a file each in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, tenant_id: str, mark: Mark) -> None:
        """Remembers a mark; the caller holds the tenant's lock. What was committed stands, whatever happens here."""
        said = f"{mark.epoch} {mark.writes}"
        text = f"{said} {crc32(said.encode())}\n".encode().ljust(_SIZE)
        try:
            descriptor = open_beside(self._path(tenant_id))
            try:
                os.write(descriptor, text)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("what was stored last could not be noted: %s", error)

    def find(self, tenant_id: str) -> Mark | None:
        """The mark that was put last; None if there is none, or none that can be read."""
        try:
            descriptor = os.open(self._path(tenant_id), os.O_RDONLY)
        except OSError:
            return None
        try:
            match = _MARK.fullmatch(os.read(descriptor, _SIZE))
        except OSError:
            return None
        finally:
            os.close(descriptor)
        if match is None or crc32(match[1] + b" " + match[2]) != int(match[3]):
            return None
        return Mark(match[1].decode(), int(match[2]))

    def remove(self, tenant_id: str) -> None:
        """Forgets the mark of a tenant that is deleted."""
        with suppress(OSError):
            self._path(tenant_id).unlink(missing_ok=True)

    def _path(self, tenant_id: str) -> Path:
        return _path(self._folder, tenant_id)


@lru_cache(1_024)  # putting a path together takes 1.4 µs, as in folder.py
def _path(folder: Path, tenant_id: str) -> Path:
    return folder / f"{tenant_id}.mark"


def require_complete(connection: Connection, mark: Mark | None) -> None:
    """Raises Quarantined if the book lacks what was written before `mark` was read."""
    if mark is not None:
        epoch, writes = connection.execute("SELECT epoch, writes FROM sync_book").fetchone()
        if epoch == mark.epoch and writes < mark.writes:
            raise Quarantined(
                "The file lacks what was stored last. Keep the data and the queue; the operator must look.",
                retry_after=300,
            )
    connection.is_complete = True
