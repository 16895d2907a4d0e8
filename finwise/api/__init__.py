"""The floor that knows Flask: routes, who asks, and what errors look like over HTTP."""

from collections.abc import Callable

from flask import Flask

from finwise.api import (
    account_book,
    administration,
    auth,
    conflicts,
    context,
    copies,
    departures,
    devices,
    document,
    errors,
    health,
    imports,
    invitations,
    members,
    pages,
    sync,
    tenants,
    tokens,
    users,
)
from finwise.api.access_log import AccessLog
from finwise.api.arrivals import Arrivals
from finwise.api.browsers import Browsers
from finwise.api.departures import Departures
from finwise.api.direct import Direct
from finwise.api.flooding import Flow
from finwise.api.proxies import Proxies, Wsgi
from finwise.api.refusals import Refusals
from finwise.config import Settings
from finwise.domain import Domain


def register(app: Flask, domain: Domain, settings: Settings, clock: Callable[[], int]) -> None:
    """Adds every route below the prefix that the settings name."""
    app.config["MAX_CONTENT_LENGTH"] = domain.limits.body_bytes
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would name whatever host the request named
    context.register(app, domain, settings, clock)
    browsers = Browsers(settings)
    browsers.register(app)
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
        imports,
        administration,
        health,
    ):
        described.register_blueprint(module.blueprint, url_prefix=settings.url_prefix or None)
    for pages_of in (pages, account_book):
        app.register_blueprint(pages_of.blueprint, url_prefix=settings.url_prefix or None)
    app.wsgi_app = _wrap(app, domain, settings, browsers, flow, clock)  # type: ignore[assignment, method-assign]


def _wrap(
    app: Flask, domain: Domain, settings: Settings, browsers: Browsers, flow: Flow, clock: Callable[[], int]
) -> Wsgi:
    """The application behind its middleware, from the inside out."""
    direct = Direct(app, domain, browsers, flow, clock)
    wrapped: Wsgi = Arrivals(direct, Refusals(direct.refuse).answer, settings.threads, domain.limits.body_bytes)
    if settings.access_log:
        wrapped = AccessLog(wrapped)
    return Proxies(Departures(wrapped), settings)
