"""The floor that knows Flask: routes, who asks, and what errors look like over HTTP."""

from collections.abc import Callable

from flask import Flask, Response

from finwise.api import (
    auth,
    conflicts,
    context,
    copies,
    devices,
    document,
    errors,
    health,
    pages,
    sync,
    tenants,
    tokens,
    users,
)
from finwise.domain import Domain
from finwise.domain.sync import MAX_BODY_BYTES


def register(app: Flask, domain: Domain, url_prefix: str, clock: Callable[[], int]) -> None:
    """Adds every route below `url_prefix`."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would name whatever host the request named
    context.register(app, domain, clock)
    auth.register(app)
    errors.register(app)
    described = document.create(app, url_prefix)
    for module in (users, tenants, tokens, sync, conflicts, devices, copies, health):
        described.register_blueprint(module.blueprint, url_prefix=url_prefix or None)
    app.register_blueprint(pages.blueprint, url_prefix=url_prefix or None)
    app.after_request(_protect)


def _protect(answer: Response) -> Response:
    """Money records stay out of caches, and an answer is what it says it is."""
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
