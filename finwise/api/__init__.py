"""The floor that knows Flask: routes, who asks, and what errors look like over HTTP."""

from collections.abc import Callable

from flask import Flask

from finwise.api import (
    account_book,
    administration,
    auth,
    browsers,
    conflicts,
    context,
    copies,
    departures,
    devices,
    document,
    errors,
    health,
    invitations,
    members,
    pages,
    proxies,
    sync,
    tenants,
    tokens,
    users,
)
from finwise.api.access_log import AccessLog
from finwise.api.arrivals import Arrivals
from finwise.api.departures import Departures
from finwise.api.express import Express
from finwise.api.flooding import Flow
from finwise.config import Settings
from finwise.domain import Domain


def register(app: Flask, domain: Domain, settings: Settings, clock: Callable[[], int]) -> None:
    """Adds every route below the prefix that the settings name."""
    app.config["MAX_CONTENT_LENGTH"] = domain.limits.body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would name whatever host the request named
    proxies.register(app, settings)
    context.register(app, domain, settings, clock)
    browsers.register(app, settings)
    flow = Flow(settings.requests_per_minute)
    auth.register(app, flow)
    errors.register(app)
    departures.register(app, settings.threads)
    described = document.create(app, settings.url_prefix)
    for module in (
        users,
        tokens,
        tenants,
        members,
        invitations,
        sync,
        conflicts,
        devices,
        copies,
        administration,
        health,
    ):
        described.register_blueprint(module.blueprint, url_prefix=settings.url_prefix or None)
    for pages_of in (pages, account_book):
        app.register_blueprint(pages_of.blueprint, url_prefix=settings.url_prefix or None)
    app.wsgi_app = Express(app.wsgi_app, domain, settings, flow, clock)  # type: ignore[method-assign]
    app.wsgi_app = Arrivals(app.wsgi_app, settings.threads, domain.limits.body_bytes)  # type: ignore[method-assign]
    if settings.access_log:
        logged = AccessLog(app.wsgi_app)
        app.wsgi_app = proxies.Proxies(logged, settings)  # type: ignore[method-assign]
    app.wsgi_app = Departures(app.wsgi_app)  # type: ignore[method-assign]
