"""Who asks. Every route except those named here needs a token; domain/access.py decides what a role allows."""

from typing import Protocol

from flask import Flask, request

from finwise.api import context
from finwise.api.bodies import body_limit
from finwise.api.flooding import Flow
from finwise.api.request import Environ, Request, read_parameters
from finwise.domain import events
from finwise.domain.token import Caller
from finwise.errors import Forbidden, SlowDown, Unauthorized

PUBLIC = frozenset(
    {
        "users.register",
        "tokens.log_in",
        "health.healthz",
        "health.readyz",
        "pages.start",
        "pages.docs",
        "pages.static",
        "pages.docs_asset",
        "document.openapi",
        "account_book.page",
        "account_book.file",
        "account_book.enter_demo",
    }
)
# The only endpoints for tokens that are restricted to a tenant or to reading.
FOR_SCRIPTS = frozenset(
    {
        "sync.push_changes",
        "sync.pull_changes",
        "sync.load_initial",
        "conflicts.list_conflicts",
        "conflicts.restore",
        "conflicts.dismiss",
        "copies.export",
        "devices.list_devices",
        "tenants.list_tenants",
        "tenants.get_tenant",
    }
)
_SENDER = "finwise.sender"  # in the environment of a request
_ADMINISTRATION = "administration."  # begins the endpoints that take an administrator


class Visit(Protocol):
    """The place of a request that may be a stranger's."""

    def end(self) -> None:
        """Gives the place back."""


class Sender:
    """What is known of the sender of a request, for the modules that bound requests (arrivals.py, departures.py)."""

    __slots__ = ("is_known", "is_spooled", "user", "visit")

    def __init__(self) -> None:
        self.is_known = False  # whether the token opened something, now or lately
        self.user: str | None = None  # whose the token is, once it was looked up for this request
        self.visit: Visit | None = None  # ends once it turns out that no stranger asks
        self.is_spooled = False  # whether the body goes to the disk, piece by piece


def sender_of(environ: Environ) -> Sender:
    """The sender of a request, the same for all who ask for it."""
    found: Sender | None = environ.get(_SENDER)
    if found is None:
        found = environ[_SENDER] = Sender()
    return found


def register(app: Flask, flow: Flow) -> None:
    """Has `admit` look at every request that needs a token, and then at the parameters of every one."""

    @app.before_request
    def authenticate() -> None:
        # No endpoint: no such route or method, which the errors' own handlers answer.
        request.max_content_length = body_limit(request.endpoint, context.domain().limits)
        if request.endpoint is not None and request.endpoint not in PUBLIC:
            admit(context.request(), request.endpoint, flow)
        context.request().parameters = read_parameters(request.environ)


def admit(asked: Request, endpoint: str, flow: Flow) -> None:
    """Finds out who asks by the header Authorization; `flow` counts the requests of a token.

    Raises Unauthorized, SlowDown, and Forbidden for what does not depend on a tenant.
    """
    scheme, _, token = asked.environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a token: Authorization: Bearer …; POST /auth/tokens gives one.")
    caller = asked.domain.tokens.authenticate(token.strip(), asked.now)
    sender = sender_of(asked.environ)
    sender.is_known, sender.user = True, caller.user.uuid
    if sender.visit:
        sender.visit.end()
    asked.caller = caller
    events.asked_by(caller.user.uuid)
    if seconds := flow.wait(caller.token.id, asked.now):
        raise SlowDown(
            "This token makes too many requests. Wait before the next one.",
            retry_after=seconds,
            event="token.throttled",
            user_id=caller.user.uuid,
            token_id=caller.token.id,
        )
    _require_permission(caller, endpoint)


def _require_permission(caller: Caller, endpoint: str) -> None:
    if caller.is_restricted and endpoint not in FOR_SCRIPTS:
        raise Forbidden("This token is for reading and syncing books only. Log in for anything else.")
    if endpoint.startswith(_ADMINISTRATION) and not caller.user.is_admin:
        raise Forbidden("Only administrators may do this.")
