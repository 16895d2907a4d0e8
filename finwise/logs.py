"""The log: one JSON object a line, so that nothing which comes from outside can pass for a line of its own.

On a terminal a line is for a person instead. Tokens, passwords and bodies are not logged. The message of an unexpected
exception may quote what was sent, so only its type and the way through the code are; the messages of SQLite and of the
system name files and tables, and stay.

Nobody fills the disk with it: texts are cut off, and of one kind there are so many lines a minute at most.
"""

import json
import logging
import sqlite3
import sys
import time
import traceback
from collections.abc import Mapping

MOST_A_MINUTE = 300  # lines of one kind, of each process

_QUOTED = (sqlite3.Error, OSError)
_LONGEST = 512  # characters of a text, as JSON
_MOST_CALLS = 12  # of the way through the code, the innermost
_NO_FIELDS: Mapping[str, object] = {}


class JsonLines(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`; `event` and its fields; with an exception `error` and `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of ASCII."""
        return json.dumps(_said(record))


class PlainLines(logging.Formatter):
    """A line for a person at a terminal: `12:00:00 INFO message (tenant.created tenant_id="…")`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of ASCII."""
        said = _said(record)
        moment, level, message = (said.pop(name) for name in ("time", "level", "message"))
        name = said.pop("event", None) or said["logger"]
        fields = [f"{field}={json.dumps(value)}" for field, value in said.items() if field != "logger"]
        text = json.dumps(message)[1:-1].replace('\\"', '"')
        return f"{str(moment)[11:19]} {level} {text} ({' '.join([str(name), *fields])})"


class Bounded(logging.Filter):
    """Lets so many lines of one kind pass a minute; the first one of a later minute says how many were `left_out`.

    A record that has `a_minute` lets so many of its kind pass.
    """

    def __init__(self, most: int = MOST_A_MINUTE) -> None:
        super().__init__()
        self._most = most
        self._minute = 0
        self._passed: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written. The handler's lock is not held: two threads may count as one."""
        if getattr(record, "unbounded", False):
            return True
        minute = int(record.created // 60)
        if minute != self._minute:
            self._minute, self._passed = minute, {}
        kind = getattr(record, "event", None) or f"{record.pathname}:{record.lineno}"
        self._passed[kind] = passed = self._passed.get(kind, 0) + 1
        if passed > (getattr(record, "a_minute", None) or self._most):
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        if left_out := self._left_out.pop(kind, 0):
            record.fields = {**getattr(record, "fields", _NO_FIELDS), "left_out": left_out}
        return True


def configure(level: int = logging.INFO) -> None:
    """Writes the log to standard error, unless the application that embeds FinWise has configured logging."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
        handler.addFilter(Bounded())
        root.addHandler(handler)
        logging.getLogger("finwise").setLevel(level)


def _said(record: logging.LogRecord) -> dict[str, object]:
    seconds, milliseconds = divmod(int(record.created * 1000), 1000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    said: dict[str, object] = {
        "time": f"{moment}.{milliseconds:03}Z",
        "level": record.levelname,
        "logger": record.name,
    }
    if event := getattr(record, "event", None):
        said["event"] = event
    said["message"] = _bound(record.getMessage())
    fields = getattr(record, "fields", _NO_FIELDS)
    said |= {name: _bound(value) for name, value in fields.items() if value is not None}
    if record.exc_info and (error := record.exc_info[1]):
        kind = type(error).__name__
        said["error"] = _bound(f"{kind}: {error}") if isinstance(error, _QUOTED) else kind
        calls = traceback.extract_tb(error.__traceback__)[-_MOST_CALLS:]
        said["trace"] = [_bound(f"{frame.filename}:{frame.lineno} {frame.name}") for frame in calls]
    return said


def _bound(value: object) -> object:
    """A text that is too long is cut off; anything else stays."""
    if not isinstance(value, str):
        return value
    text = value[: _LONGEST - 2]
    while len(json.dumps(text)) > _LONGEST:  # of what is not ASCII a character takes up to 12
        text = text[: len(text) // 2]
    return text if text == value else f"{text}…"
