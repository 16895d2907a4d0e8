"""Stamps and cursors: they decide delivery (protocol.md 1, 3 and 5)."""

import re
from functools import lru_cache
from typing import NamedTuple

from finwise.domain.times import micros_text, parse_micros
from finwise.errors import BadCursor, CursorExpired, EpochChanged

DEVICE_CLOCK_ALLOWANCE = 10 * 60 * 1_000_000  # µs subtracted from a plain timestamp, which may be a device's clock

_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)~([0-9a-z]{1,32})", re.ASCII)


class Cursor(NamedTuple):
    """A position in a tenant's stamps."""

    stamp: int
    epoch: str | None  # None: the cursor is a plain timestamp


class Position(NamedTuple):
    """Where a tenant's file stands: the token of its life, its last stamp, its horizon (both µs, 0: none yet)."""

    epoch: str
    last_stamp: int
    horizon: int


def next_stamp(last_stamp: int, now: int) -> int:
    """The stamp of the next stored change; called under the tenant's write lock, or stamps would not be unique."""
    return max(last_stamp + 1, now)


@lru_cache(1_024)  # as parse_cursor
def format_cursor(stamp: int, epoch: str) -> str:
    """The cursor as a device keeps it."""
    return f"{micros_text(stamp)}~{epoch}"


@lru_cache(1_024)  # a device polls with the same cursor until there is something
def parse_cursor(text: str) -> Cursor:
    """Reads `since`: a cursor as it was given, or a plain timestamp. Raises BadCursor."""
    match = _CURSOR.fullmatch(text)
    stamp = parse_micros(match[1] if match else text)
    if stamp is None:
        raise BadCursor("since is neither a cursor that this server gave nor a time. Send next_since as it came.")
    return Cursor(stamp, match[2] if match else None)


def stamp_to_read_from(since: Cursor | None, position: Position) -> int:
    """The stamp above which a pull reads; None means from the beginning.

    Raises EpochChanged for a cursor of another epoch (or above the last stamp), CursorExpired for one below the
    horizon.
    """
    stamp = 0
    if since is not None and since.epoch is None:
        stamp = max(0, since.stamp - DEVICE_CLOCK_ALLOWANCE)
    elif since is not None:
        if since.epoch != position.epoch or since.stamp > position.last_stamp:
            raise EpochChanged(give_back=since.stamp >= position.horizon)
        stamp = since.stamp
    if stamp < position.horizon:
        raise CursorExpired
    return stamp
