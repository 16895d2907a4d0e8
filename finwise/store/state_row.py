"""The one row of sync_book: where a book stands, and the sums that tell whether all of it is there."""

import sqlite3
from typing import NamedTuple

from finwise.domain.cursor import Position
from finwise.errors import quarantined
from finwise.store.checksum import checksum, require_intact
from finwise.store.connection import Connection


class State(NamedTuple):
    """The values of the row that its checksum covers."""

    position: Position  # the epoch, the last stamp and the horizon
    writes: int  # how often the row was written
    conflicts: int  # how many the book has
    digests: str  # a JSON object, entity_type -> 16 hex digits
    sums: str  # a JSON object, entity_type -> sum of the Adler-32 of its living entities


def read_state(connection: Connection) -> State:
    """The state, checked before anything is derived from it. Raises Quarantined if it is damaged or missing."""
    row = connection.execute(
        "SELECT epoch, last_stamp, horizon, writes, conflicts, digests, sums, checksum FROM sync_book"
    ).fetchone()
    if row is None:
        raise quarantined()
    require_intact(row)
    return State(Position(*row[:3]), *row[3:-1])


def write_state(connection: Connection, state: State) -> sqlite3.Cursor:
    """Replaces the state, and gives the cursor that wrote it."""
    values = (*state.position, *state[1:])
    return connection.execute(
        """UPDATE sync_book SET epoch = ?, last_stamp = ?, horizon = ?, writes = ?, conflicts = ?, digests = ?,
             sums = ?, checksum = ?""",
        (*values, checksum(*values)),
    )
