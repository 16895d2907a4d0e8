"""One kept-alive connection: a request, its answer, the time between."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks import wire

TIMEOUT = 120  # seconds
RECEIVED_AT_ONCE = 1 << 18


class Reply(NamedTuple):
    """A whole answer; seconds: from the first byte sent to the last one received; size: bytes received.

    The body is unpacked, and that is not counted, just as parsing it is not.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    size: int

    @property
    def is_gzipped(self) -> bool:
        """Whether it was gzipped on the way."""
        return self.headers.get("content-encoding") == "gzip"

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def connect(port: int, timeout: float = TIMEOUT) -> socket.socket:
    """A connection to a server on this machine that sends at once what it is given."""
    opened = socket.create_connection((wire.HOST, port), timeout=timeout)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


class Connection:
    """Opened when it is needed, and again if the server has closed it."""

    def __init__(self, port: int, timeout: float = TIMEOUT) -> None:
        self._port = port
        self._timeout = timeout
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> Reply:
        """Sends a request and waits for the answer. Raises OSError."""
        try:
            return self._send(request)
        except ConnectionError:  # an idle connection may have been closed meanwhile
            self.close()
            return self._send(request)

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer's JSON. Raises RuntimeError for another status than 2xx."""
        reply = self.send(wire.request(method, path, body, headers))
        if not 200 <= reply.status < 300:
            raise RuntimeError(f"{method} {path} was answered {reply.status}: {reply.body[:300]!r}")
        return reply.json() if reply.body else None

    def close(self) -> None:
        """Closes it; the next request opens it again."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _send(self, request: bytes) -> Reply:
        if self._socket is None:
            self._socket = connect(self._port, self._timeout)
        answer = wire.Answer()
        begun = time.perf_counter()
        self._socket.sendall(request)
        whole = False
        while not whole:
            data = self._socket.recv(RECEIVED_AT_ONCE)
            if not data:
                raise ConnectionError("the server closed the connection")
            whole = answer.take(data)
        seconds = time.perf_counter() - begun
        headers = answer.headers
        if headers.get("connection", "").lower() == "close":
            self.close()
        reply = Reply(answer.status, headers, answer.body, seconds, answer.size)
        return reply._replace(body=gzip.decompress(reply.body)) if reply.is_gzipped else reply
