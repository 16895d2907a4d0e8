"""What browsers are told: which other sites' pages may ask, and what to do with an answer."""

import re

from flask import Flask, Response, request
from werkzeug.exceptions import SecurityError

from finwise.config import Settings

_HOST_FORM = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)

_CORS_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, If-None-Match, X-Tenant-ID",
    "Access-Control-Max-Age": "600",
}
_CORS_EXPOSED = {"Access-Control-Expose-Headers": "Content-Disposition, ETag, Retry-After"}


def register(app: Flask, settings: Settings) -> None:
    """Answers to the names and the origins that the settings list."""
    names, origins, headers = settings.hosts, settings.origins, protection(settings)

    @app.before_request
    def require_our_name() -> None:
        """A page elsewhere may let its own name lead to this machine; it would pass for a page of this server."""
        # Flask's TRUSTED_HOSTS would do, but never takes an IPv6 address for trusted.
        if not is_ours(names, request.headers.get("Host", "")):
            raise SecurityError

    @app.before_request
    def answer_preflight() -> Response | None:
        """A browser asks before it sends a token, and so without one."""
        is_admitted = request.headers.get("Origin") in origins
        return Response(status=204) if is_admitted and _is_preflight() else None

    @app.after_request
    def protect(answer: Response) -> Response:
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        if origins:
            _admit(answer)
        return answer

    def _admit(answer: Response) -> None:
        """There are no cookies to send along, so credentials stay off; an origin that is not listed hears nothing."""
        answer.vary.add("Origin")
        if request.headers.get("Origin") in origins:
            answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            answer.headers.update(_CORS_ALLOWED if _is_preflight() else _CORS_EXPOSED)


def protection(settings: Settings) -> dict[str, str]:
    """What every answer says: money records stay out of caches, and an answer is what it says it is."""
    return {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "cross-origin" if settings.origins else "same-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }


def is_ours(names: list[str], host: str) -> bool:
    """Whether a host, with or without a port, is among the names, or lies below one that begins with a dot.

    No names: any is.
    """
    if not names:
        return True
    form = _HOST_FORM.fullmatch(host)
    if form is None:
        return False
    name = form[1].lower()
    return name in names or any(each.startswith(".") and f".{name}".endswith(each) for each in names)


def _is_preflight() -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
