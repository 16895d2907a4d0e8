"""The log: one JSON object a line, so that nothing which comes from outside can pass for a line of its own.

Tokens, e-mails and bodies are not logged. The message of an unexpected exception may quote what was sent, so only its
type and the way through the code are; the messages of SQLite and of the system name files and tables, and stay.
"""

import json
import logging
import sqlite3
import time
import traceback

_QUOTED = (sqlite3.Error, OSError)


class JsonLines(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`; with an exception `error` and `trace`, the innermost call last."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of ASCII."""
        seconds, milliseconds = divmod(int(record.created * 1000), 1000)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        said: dict[str, object] = {
            "time": f"{moment}.{milliseconds:03}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and (error := record.exc_info[1]):
            said["error"] = f"{type(error).__name__}: {error}" if isinstance(error, _QUOTED) else type(error).__name__
            said["trace"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
            ]
        return json.dumps(said)


def configure() -> None:
    """Writes the log to standard error, unless whoever runs the application has said where it goes."""
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
