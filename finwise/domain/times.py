"""Times on the wire: RFC 3339 text; inside: that text in one canonical form, or whole microseconds since 1970 (UTC).

Entity times are whole milliseconds, `YYYY-MM-DDTHH:MM:SS.mmmZ`, as JavaScript writes them, so their text sorts.
Accepted is `YYYY-MM-DDTHH:MM:SS[.1 to 9 digits](Z|±HH:MM)` in the years 1970 to 9999 (protocol.md 1).
"""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII)
_ACCEPTED = re.compile(
    r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def parse_micros(text: object) -> int | None:
    """Microseconds since 1970 of an accepted time, finer digits cut off; None for anything else."""
    match = _ACCEPTED.fullmatch(text) if type(text) is str else None
    if match is None:
        return None
    seconds, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(seconds)
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment = moment - offset if sign == "+" else moment + offset
    except (ValueError, OverflowError):  # no such day; or a year outside 1 to 9999 after conversion
        return None
    micros = (moment - _EPOCH) // _MICROSECOND + int((fraction or "").ljust(6, "0")[:6])
    return micros if micros >= 0 else None


def is_day(text: str) -> bool:
    """Whether this is a calendar day, `YYYY-MM-DD`."""
    return len(text) == 10 and _is_day(text)


@lru_cache(4_096)  # the days of eleven years: nearly all come again and again
def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def canonical_time(text: object) -> str | None:
    """An accepted time as the canonical text in whole milliseconds; None for anything else."""
    if type(text) is str and _CANONICAL.fullmatch(text) and text >= "1970":
        return text if _is_day(text[:10]) else None
    micros = parse_micros(text)
    return None if micros is None else millis_text(micros)


@lru_cache(64)  # a request says several times when it is
def millis_text(micros: int) -> str:
    """Microseconds since 1970 as canonical text, cut to whole milliseconds."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_seconds_text(seconds)}.{rest // 1_000:03d}Z"


def micros_text(micros: int) -> str:
    """Microseconds since 1970 as text with all six digits, the form of a cursor's stamp."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_seconds_text(seconds)}.{rest:06d}Z"


@lru_cache(1_024)  # most times that are written are of this very second
def _seconds_text(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()


def next_milli(text: str) -> str:
    """The canonical time one millisecond after this canonical time."""
    moment = datetime.fromisoformat(text[:-1]) + timedelta(milliseconds=1)
    return moment.isoformat(timespec="milliseconds") + "Z"
