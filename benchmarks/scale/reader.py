"""A device that loads a book over a slow line, line by line, and keeps nothing."""

from __future__ import annotations

import time
from typing import NamedTuple

from benchmarks import wire
from benchmarks.connection import connect

RATE = 2.5e6  # bytes a second: 20 Mbit/s
AT_ONCE = 1 << 16
LATER = (429, 503)  # "come back"
TIMEOUT = 600


class Loaded(NamedTuple):
    """What came: entities, bytes, the seconds it took; how often it was told before to come back later."""

    entities: int
    size: int
    seconds: float
    refused: int


def load(port: int, request: bytes, rate: float = RATE) -> Loaded:
    """Loads NDJSON at this rate; comes back when told so. Raises OSError for another status, or none."""
    refused = 0
    while True:
        begun = time.perf_counter()
        with connect(port, TIMEOUT) as line:
            line.sendall(request)
            answer = wire.Answer()
            while not answer.status:
                answer.take(_received(line.recv(AT_ONCE)))
            if answer.status == 200:
                counted = Lines(answer.received)
                while not counted.is_whole:
                    counted.take(_received(line.recv(AT_ONCE)))
                    time.sleep(max(0.0, counted.size / rate - (time.perf_counter() - begun)))
                return Loaded(counted.entities, counted.size, time.perf_counter() - begun, refused)
        if answer.status not in LATER:
            raise ConnectionError(f"a first load was answered {answer.status}")
        refused += 1
        time.sleep(float(answer.headers.get("retry-after", "1")))


class Lines:
    """Counts lines of chunked NDJSON. JSON has no carriage return within it, so chunks' own lines can be told apart."""

    def __init__(self, begin: bytes) -> None:
        self.size = self._newlines = self._returns = 0
        self._end = b""
        self.take(begin)

    def take(self, data: bytes) -> None:
        """Counts what came."""
        self.size += len(data)
        self._newlines += data.count(b"\n")
        self._returns += data.count(b"\r")
        self._end = (self._end + data)[-5:]

    @property
    def is_whole(self) -> bool:
        """Whether the last chunk is there."""
        return self._end == b"0\r\n\r\n"

    @property
    def entities(self) -> int:
        """Lines but the last one, which is about the load."""
        return self._newlines - self._returns - 1


def _received(data: bytes) -> bytes:
    if not data:
        raise ConnectionError("the server ended a load before its end")
    return data
