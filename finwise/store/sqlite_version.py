"""The SQLite that Python brings: the oldest one that will do, and a fault that many have."""

import sqlite3

from finwise.errors import BadSetting

_OLDEST = (3, 38, 0)  # has the functions for JSON that the views and migrations call
# The WAL-reset fault is in all releases but these: a line of releases, and its first one without the fault.
_WITHOUT_FAULT = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
_FIRST_WITHOUT_FAULT = (3, 51, 3)


def require_sqlite() -> None:
    """Raises BadSetting if this SQLite is too old."""
    if sqlite3.sqlite_version_info < _OLDEST:
        raise BadSetting(
            f"FinWise needs SQLite {_text(_OLDEST)} or newer, and this Python has SQLite {sqlite3.sqlite_version}. "
            "Use a newer Python, or update the system's SQLite."
        )


def fault() -> str | None:
    """What is wrong with this SQLite, in sentences; None if nothing is known."""
    found = sqlite3.sqlite_version_info
    if found >= _WITHOUT_FAULT.get(found[:2], _FIRST_WITHOUT_FAULT):
        return None
    fixed = ", ".join(map(_text, (*_WITHOUT_FAULT.values(), _FIRST_WITHOUT_FAULT)))
    return (
        f"SQLite {sqlite3.sqlite_version} has the WAL-reset fault (fixed in {fixed}): a file can be damaged if its "
        "write-ahead log is written back while another process commits. FinWise never does both at once. Other "
        "programs might: do not write to its files with them, and update SQLite if you replicate with Litestream."
    )


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
