"""The floor that knows Flask: routes, who asks, and what errors look like over HTTP."""

from collections.abc import Callable

from flask import Flask

from finwise.api import auth, context, document, errors, health, pages, sync, tenants, tokens, users
from finwise.domain import Domain
from finwise.domain.sync import MAX_BODY_BYTES


def register(app: Flask, domain: Domain, url_prefix: str, clock: Callable[[], int]) -> None:
    """Adds every route below `url_prefix`."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = False
    context.register(app, domain, clock)
    auth.register(app)
    errors.register(app)
    described = document.create(app, url_prefix)
    for module in (users, tenants, tokens, sync, health):
        described.register_blueprint(module.blueprint, url_prefix=url_prefix or None)
    app.register_blueprint(pages.blueprint, url_prefix=url_prefix or None)
