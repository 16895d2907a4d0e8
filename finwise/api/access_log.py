"""The access log: a line for every request, if FINWISE_ACCESS_LOG says so. Without it this middleware is not there."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from finwise.api.proxies import Wsgi, client_address
from finwise.api.request import Environ

log = logging.getLogger(__name__)


class AccessLog:
    """A WSGI middleware outside of all others but `Proxies`. The query is left out, as are all headers."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """The application's answer."""
        begun, status = time.perf_counter(), "500"

        def start(said: str, *arguments: Any) -> Any:
            nonlocal status
            status = said
            return start_response(said, *arguments)

        def tell(sent: int) -> None:
            fields = {
                "method": environ["REQUEST_METHOD"],
                "path": _path(environ),
                "status": int(status[:3]),
                "ms": round((time.perf_counter() - begun) * 1000, 1),
                "bytes": sent,
                "address": client_address(environ),
            }
            log.info("request", extra={"event": "request", "fields": fields, "unbounded": True})

        return _Counted(self._app(environ, start), tell)


class _Counted:
    """An answer that reports how many bytes were sent when it is closed, even if it is closed early."""

    def __init__(self, answer: Iterable[bytes], tell: Callable[[int], None]) -> None:
        self._answer = answer
        self._tell = tell
        self._sent = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._answer:
            self._sent += len(piece)
            yield piece

    def close(self) -> None:
        """The server calls this in the end, even if it did not send everything."""
        try:
            if end := getattr(self._answer, "close", None):
                end()
        finally:
            self._tell(self._sent)


def _path(environ: Environ) -> str:
    """What was asked for, as it was before a prefix was taken off; WSGI hands over its bytes as Latin-1."""
    raw: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")
