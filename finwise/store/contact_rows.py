"""The rows of sync_devices: what a book knows of the devices that sync it."""

from typing import Any

from finwise.domain.book import Contact
from finwise.store.checksum import require_intact
from finwise.store.connection import Connection


def list_contacts(connection: Connection) -> list[Contact]:
    """All contacts, the last one first. Raises Quarantined if one is damaged."""
    rows = connection.execute(
        """SELECT token_id, last_contact, device_id, cursor, clock_skew, checksum FROM sync_devices
           ORDER BY last_contact DESC, token_id"""
    ).fetchall()
    return list(map(_contact, rows))


def find_contact(connection: Connection, token_id: str) -> Contact | None:
    """The contact of a token. Raises Quarantined if it is damaged."""
    row = connection.execute(
        """SELECT token_id, last_contact, device_id, cursor, clock_skew, checksum
           FROM sync_devices WHERE token_id = ?""",
        (token_id,),
    ).fetchone()
    return None if row is None else _contact(row)


def put_contact(connection: Connection, contact: Contact) -> None:
    """Stores a contact; what it leaves open stays as it was. The device's contacts by other tokens go."""
    connection.execute(
        """INSERT INTO sync_devices (token_id, last_contact, device_id, cursor, clock_skew) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (token_id) DO UPDATE SET
             device_id = coalesce(excluded.device_id, device_id), cursor = coalesce(excluded.cursor, cursor),
             clock_skew = coalesce(excluded.clock_skew, clock_skew), last_contact = excluded.last_contact""",
        contact,
    )
    connection.execute(
        """UPDATE sync_devices SET checksum = checksum(token_id, last_contact, device_id, cursor, clock_skew)
           WHERE token_id = ?""",
        (contact.token_id,),
    )
    if contact.device_id is not None:
        connection.execute(
            "DELETE FROM sync_devices WHERE device_id = ? AND token_id <> ?", (contact.device_id, contact.token_id)
        )


def _contact(row: tuple[Any, ...]) -> Contact:
    require_intact(row)
    return Contact(*row[:-1])
