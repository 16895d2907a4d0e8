"""Conflict resolution for a change: Last Write Wins, without losing what nobody knowingly replaced (protocol.md 2).

No clock, no SQL: the same inputs always give the same verdict. `tests/vectors/merge.json` holds cases for clients in
other languages.
"""

from typing import NamedTuple

from finwise.domain.change import Change, Version, same_content
from finwise.domain.times import next_milli

APPLIED, UNCHANGED, SUPERSEDED = "applied", "unchanged", "superseded"
OLDER, OVERWRITTEN = "older", "overwritten"  # why the loser of a conflict lost


class Verdict(NamedTuple):
    """What becomes of a change."""

    status: str
    updated_at: str  # the time it has (applied: the one to store)
    conflict: str | None = None  # OLDER: the change itself is to be kept; OVERWRITTEN: the version it replaces is


def judge(
    change: Change,
    stored: Version | None,
    *,
    now: str,
    remembered: bool,
    ancestor: Change | None,
    built_upon: bool,
    after_purged: str = "",
) -> Verdict:
    """Judges `change` against the `stored` version of its entity, in the order of protocol.md 2.

    now: the server's time in whole milliseconds.
    remembered: the change was stored once and has been replaced since.
    ancestor: the earlier change of this push that is the stored version, if it is one.
    built_upon: a later change of this push about this entity names the same base: it was made on top of this one.
    after_purged: a time later than that of every version that was purged; empty if none was.
    """
    if stored is not None and stored.change_id == change.change_id:
        return Verdict(UNCHANGED, stored.updated_at)
    time = min(change.updated_at, now)
    if remembered:
        return Verdict(SUPERSEDED, time)
    if stored is None:
        return Verdict(APPLIED, max(time, after_purged))
    if _knew(change, stored, ancestor):
        return Verdict(APPLIED, max(time, next_milli(stored.updated_at)))
    if time > stored.updated_at:
        return Verdict(APPLIED, time, OVERWRITTEN if change.says_base and not _agree(change, stored) else None)
    if time == stored.updated_at and same_content(change.data, stored.data):
        return Verdict(UNCHANGED, stored.updated_at)
    return Verdict(SUPERSEDED, time, None if built_upon or _agree(change, stored) else OLDER)


def _agree(change: Change, stored: Version) -> bool:
    """Whether the two differ in nothing that a person would have to decide."""
    return same_content(change.data, stored.data, change.aside)


def _knew(change: Change, stored: Version, ancestor: Change | None) -> bool:
    """Whether the device edited the very version the server holds."""
    if change.says_base and change.base_updated_at == stored.updated_at:
        return True
    if ancestor is None or not ancestor.says_base:
        return False
    return change.says_base and change.base_updated_at == ancestor.base_updated_at
