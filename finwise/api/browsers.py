"""What browsers are told: which other sites' pages may ask, and what to do with an answer."""

import re

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from finwise.api.request import Environ
from finwise.config import Settings

_HOST_FORM = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

_CORS_ALLOWED = (
    ("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE"),
    ("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, If-None-Match, X-Tenant-ID"),
    ("Access-Control-Max-Age", "600"),
)
_CORS_EXPOSED = (("Access-Control-Expose-Headers", "Content-Disposition, ETag, Retry-After"),)


class Browsers:
    """The rules for browsers, by the names and the origins that the settings list."""

    def __init__(self, settings: Settings) -> None:
        self._names, self._origins = settings.hosts, settings.origins
        # Money records stay out of caches, and an answer is what it says it is.
        self._protection = (
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "cross-origin" if settings.origins else "same-origin"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        )

    def register(self, app: Flask) -> None:
        """Has Flask keep to the rules."""

        @app.before_request
        def require_our_name() -> None:
            self.require_our_name(request.environ)

        @app.before_request
        def answer_preflight() -> Response | None:
            """A browser asks before it sends a token, and so without one."""
            is_admitted = request.environ.get("HTTP_ORIGIN") in self._origins
            return Response(status=204) if is_admitted and _is_preflight(request.environ) else None

        @app.after_request
        def protect(answer: Response) -> Response:
            return self.protect(request.environ, answer)

    def require_our_name(self, environ: Environ) -> None:
        """Raises SecurityError if the request is for another server.

        A page elsewhere may let its own name lead to this machine; it would pass for a page of this server.
        """
        # Flask's TRUSTED_HOSTS would do, but never takes an IPv6 address for trusted.
        if self._names and not _is_among(self._names, environ.get("HTTP_HOST", "")):
            raise SecurityError

    def protect(self, environ: Environ, answer: Response) -> Response:
        """The answer with the headers that every answer has."""
        for name, value in self.headers(environ):
            answer.headers.setdefault(name, value)
        if varies := self.varies(answer.headers.get("Vary", "")):
            answer.headers["Vary"] = varies
        return answer

    def headers(self, environ: Environ) -> tuple[tuple[str, str], ...]:
        """What every answer to a request says beside `Vary`.

        There are no cookies to send along, so credentials stay off; an origin that is not listed hears nothing.
        """
        origin = environ.get("HTTP_ORIGIN")
        if origin is None or origin not in self._origins:
            return self._protection
        shared = _CORS_ALLOWED if _is_preflight(environ) else _CORS_EXPOSED
        return (*self._protection, ("Access-Control-Allow-Origin", origin), *shared)

    def varies(self, by: str) -> str:
        """The header `Vary` of an answer that depends on these headers, separated by commas."""
        return ", ".join(filter(None, (by, "Origin"))) if self._origins else by


def _is_among(names: list[str], host: str) -> bool:
    """Whether a host, with or without a port, is one of the names, or lies below one that begins with a dot."""
    form = _HOST_FORM.fullmatch(host)
    if form is None:
        return False
    name = form[1].lower()
    return name in names or any(each.startswith(".") and f".{name}".endswith(each) for each in names)


def _is_preflight(environ: Environ) -> bool:
    return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
