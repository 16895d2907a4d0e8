"""Bodies that take their time to arrive. A thread waits for each, and those who only read are not to wait for them."""

from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any

from finwise.errors import Busy

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
Places = SimpleQueue[None]

_PATIENCE = 0.2  # seconds; a body that is on its way makes room long before


class Arrivals:
    """A WSGI middleware: three quarters of a process's threads may wait for bodies, the others never do."""

    def __init__(self, app: Wsgi, threads: int) -> None:
        self._app = app
        self._places: Places = SimpleQueue()  # as a semaphore; threading's own is written in Python
        for _ in range(max(1, threads * 3 // 4)):
            self._places.put(None)

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        environ["wsgi.input"] = _Arriving(environ["wsgi.input"], self._places)
        return self._app(environ, start_response)


class _Arriving:
    """What a client is still sending. Its methods are those of the stream, which may raise Busy here."""

    def __init__(self, stream: Any, places: Places) -> None:
        self._stream = stream
        self._places = places

    def read(self, size: int = -1) -> bytes:
        content: bytes = self._in_place(self._stream.read, size)
        return content

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._in_place(self._stream.readline, size)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        lines: list[bytes] = self._in_place(self._stream.readlines, hint)
        return lines

    def __iter__(self) -> Any:
        return iter(self.readline, b"")

    def _in_place(self, read: Callable[[int], Any], size: int) -> Any:
        try:
            self._places.get(timeout=_PATIENCE)
        except Empty:
            raise Busy("Too many requests are still being sent. Try again in a moment.", retry_after=2) from None
        try:
            return read(size)
        finally:
            self._places.put(None)
