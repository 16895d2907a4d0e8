"""Load from many connections at once, by one loop in one thread.

closed: each connection sends its next request when the last one is answered; how much a server can do.
paced: each sends at moments fixed beforehand, whatever the server does; how long one waits for it. A wait counts from
the moment the request was due, so that a server which stops for a second is not asked less for that.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import wire
from benchmarks.connection import connect
from benchmarks.figures import Waits

RECEIVED_AT_ONCE = 1 << 16  # bytes; answers are small here
PATIENCE = 30  # seconds that answers may take after the end
_clock = time.perf_counter


@dataclass
class Load:
    """What came of it: waits in seconds, one a request that was answered; seconds it took in all.

    sent: requests of the connection that sent most.

    errors: requests with a status that was not wanted, or no answer. first_error: the first of these, shortened.
    """

    waits: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: str = ""
    seconds: float = 0.0
    sent: int = 0

    def __iadd__(self, other: Load) -> Load:
        """Both, one after the other."""
        self.waits += other.waits
        self.errors += other.errors
        self.first_error = self.first_error or other.first_error
        self.seconds += other.seconds
        self.sent = max(self.sent, other.sent)
        return self

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.waits) / self.seconds

    @property
    def summary(self) -> Waits:
        """The waits in ms. Raises ValueError where nothing was answered."""
        return Waits.of(self.waits)


def is_success(status: int) -> bool:
    """2xx."""
    return 200 <= status < 300


class _Line:
    """A connection and what it has to send; `due` is when its request was, or is to be, sent."""

    __slots__ = ("answer", "due", "requests", "sent", "socket", "waiting")

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.socket: socket.socket = connect(port)
        self.socket.settimeout(None)  # the loop knows when there is something; with a timeout, Python asks once more
        self.requests = requests
        self.sent = 0
        self.due = 0.0
        self.waiting = False
        self.answer = wire.Answer()

    def send(self) -> None:
        """Sends the next request, starting over after the last one."""
        self.socket.sendall(self.requests[self.sent % len(self.requests)])
        self.sent += 1
        self.waiting = True

    def is_answered(self) -> bool:
        """Takes what has come; whether that was the last of the answer."""
        data = self.socket.recv(RECEIVED_AT_ONCE)
        if not data:
            raise ConnectionError("the server closed a kept-alive connection")
        self.waiting = not self.answer.take(data)
        return not self.waiting


def closed(
    port: int,
    feeds: Sequence[Sequence[bytes]],
    seconds: float,
    *,
    repeat: bool = False,
    wanted: Callable[[int], bool] = is_success,
) -> Load:
    """A connection for each list of requests, for so long, or until a list ends; with `repeat` it starts over."""
    load = Load()
    lines = [_Line(port, feed) for feed in feeds]
    begun = _clock()
    end = begun + seconds
    with _undisturbed(), selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.due = _clock()
            line.send()
        busy, now = len(lines), begun
        while busy and now < end + PATIENCE:
            for key, _ in selector.select(1.0):
                line = key.data
                if not line.is_answered():
                    continue
                now = _clock()
                _note(load, line, now, wanted)
                if now >= end or (line.sent >= len(line.requests) and not repeat):
                    busy -= 1
                    continue
                line.due = _clock()
                line.send()
            now = _clock()
    _finish(load, lines, begun, busy)
    return load


def paced(
    port: int, feeds: Sequence[Sequence[bytes]], every: float, enough: Callable[[], bool], patience: float = PATIENCE
) -> Load:
    """A connection for each list of requests; each sends one `every` so many seconds until it is `enough`.

    A request that was due while the one before it was not answered yet is sent right after it. What is not answered
    `patience` seconds after the end is an error, and so are its seconds a wait. A list that ends is the end, too.
    """
    load = Load()
    lines = [_Line(port, feed) for feed in feeds]
    begun = _clock()
    for number, line in enumerate(lines):
        line.due = begun + every * (number + 1) / len(lines)  # not all at the same moment
    with _undisturbed(), selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
        while not enough() and all(line.sent < len(line.requests) for line in lines):
            now = _clock()
            for line in lines:
                if line.due <= now and not line.waiting:
                    line.send()
            next_due = min((line.due for line in lines if not line.waiting), default=now + every)
            _receive(selector, min(next_due - now, every), every, load)
        ended = _clock()
        while any(line.waiting for line in lines) and _clock() < ended + patience:
            _receive(selector, every, every, load)
    unanswered = [line for line in lines if line.waiting]
    load.waits += [_clock() - line.due for line in unanswered]
    _finish(load, lines, begun, len(unanswered))
    return load


def _receive(selector: selectors.BaseSelector, seconds: float, every: float, load: Load) -> None:
    """Takes what comes within so many seconds; a connection that was answered is due again `every` seconds later."""
    for key, _ in selector.select(max(seconds, 0.0)):
        if key.data.is_answered():
            _note(load, key.data, _clock(), is_success)
            key.data.due += every


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without Python's garbage collector: it would stop the client, and the server would seem to answer late."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _note(load: Load, line: _Line, now: float, wanted: Callable[[int], bool]) -> None:
    load.waits.append(now - line.due)
    if not wanted(line.answer.status):
        load.errors += 1
        load.first_error = load.first_error or f"{line.answer.status}: {line.answer.body[:300]!r}"
    line.answer.clear()


def _finish(load: Load, lines: Sequence[_Line], begun: float, unanswered: int) -> None:
    load.seconds = _clock() - begun
    load.sent = max(line.sent for line in lines)
    load.errors += unanswered
    if unanswered:
        load.first_error = load.first_error or "no answer"
    for line in lines:
        line.socket.close()
