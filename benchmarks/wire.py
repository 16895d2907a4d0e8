"""HTTP/1.1 as bytes: requests built beforehand, answers followed until they are whole.

A library would do, were it not what is measured: it takes longer to read an answer than a fast server to write it.
So this knows as much of HTTP as answers of the peers need: a length, or chunks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

HOST = "127.0.0.1"  # never another one
_WITHOUT_BODY = (204, 304)


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request; a body that is not bytes is sent as JSON.

    A browser says with whatever may change something from which page it comes, also to the server of that page.
    """
    given = {"Host": HOST, **({} if method == "GET" else {"Origin": f"http://{HOST}"}), **(headers or {})}
    content = b""
    if body is not None:
        content = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
        given = {"Content-Type": "application/json"} | given | {"Content-Length": str(len(content))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def gzipped(asked: bytes) -> bytes:
    """The same request by somebody who takes a gzipped answer."""
    line, _, rest = asked.partition(b"\r\n")
    return line + b"\r\nAccept-Encoding: gzip\r\n" + rest


class Answer:
    """An answer that is coming in; may be used for the next one when it is whole.

    status: 0 until the head is there. size: bytes so far, the head included.
    """

    __slots__ = ("_body_at", "_chunked", "_end", "_received", "status")

    def __init__(self) -> None:
        self._received = bytearray()
        self.clear()

    def clear(self) -> None:
        """Makes it ready for the next answer."""
        self._received.clear()
        self.status = 0
        self._body_at = 0
        self._end = 0  # of the body, or of the chunks whose length is known
        self._chunked = False

    def take(self, data: bytes) -> bool:
        """Adds what was received: whether the answer is whole now. Raises ConnectionError where that cannot be told."""
        self._received += data
        if not self.status and not self._read_head():
            return False
        return self._skip_chunks() if self._chunked else len(self._received) >= self._end

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return len(self._received)

    @property
    def received(self) -> bytes:
        """All of it so far, as it came."""
        return bytes(self._received)

    @property
    def headers(self) -> dict[str, str]:
        """Names in lower case."""
        lines = self._received[: self._body_at].decode("latin-1").split("\r\n")[1:]
        named = (line.split(":", 1) for line in lines if ":" in line)
        return {name.strip().lower(): value.strip() for name, value in named}

    @property
    def body(self) -> bytes:
        """The body of a whole answer, its chunks joined."""
        if not self._chunked:
            return bytes(self._received[self._body_at : self._end])
        parts, at = [], self._body_at
        while size := self._chunk_size(at, self._received.index(b"\r\n", at)):
            begin = self._received.index(b"\r\n", at) + 2
            parts.append(bytes(self._received[begin : begin + size]))
            at = begin + size + 2
        return b"".join(parts)

    def _read_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._received[: end + 2]).lower()
        self.status = int(head[9:12])
        self._body_at = self._end = end + 4
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            self._end += int(head[at + 17 : head.index(b"\r\n", at + 17)])
        elif b"\r\ntransfer-encoding: chunked\r\n" in head:
            self._chunked = True
        elif self.status not in _WITHOUT_BODY:
            raise ConnectionError("an answer without a length")
        return True

    def _skip_chunks(self) -> bool:
        """Goes to the first chunk of which not all is there; True if the last one is."""
        while True:
            line_end = self._received.find(b"\r\n", self._end)
            if line_end < 0:
                return False
            size = self._chunk_size(self._end, line_end)
            after = line_end + 2 + size + 2
            if len(self._received) < after:
                return False
            if size == 0:
                return True
            self._end = after

    def _chunk_size(self, at: int, line_end: int) -> int:
        return int(self._received[at:line_end].split(b";")[0], 16)
