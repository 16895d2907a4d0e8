"""Who asks. Every route needs a token, but for those named here; what a role allows is decided in domain/access.py."""

from flask import Flask, g, request

from finwise.api import context
from finwise.api.bodies import SMALL_BODY
from finwise.api.flooding import Flow
from finwise.domain import Domain, events
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
# What a token that is restricted to a tenant, or to reading, is for. Nothing else is done in its user's name.
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
KNOWN = "finwise.known"  # in the environment of a request: whose its token is; True: of somebody who is known
REFUSED = "finwise.refused"  # in the environment of a request: the error with which express.py sent it on to here
PUSH = "sync.push_changes"
ADMINISTRATION = "administration"  # the blueprint that takes an administrator


def register(app: Flask, flow: Flow) -> None:
    """Puts the caller into the request's context, or refuses the request; `flow` counts the requests of a token."""

    @app.before_request
    def authenticate() -> None:
        # No endpoint: no such route or method, which the errors' own handlers answer.
        if request.endpoint != PUSH:
            request.max_content_length = SMALL_BODY
        if request.endpoint is None or request.endpoint in PUBLIC:
            return
        if refused := request.environ.get(REFUSED):
            raise refused
        caller = identify(context.domain(), flow, request.headers.get("Authorization", ""), context.now())
        request.environ[KNOWN] = caller.user.uuid
        _require_permission(caller)
        g.caller = caller
        events.asked_by(caller.user.uuid)


def identify(domain: Domain, flow: Flow, authorization: str, now: int) -> Caller:
    """Who shows a token in the header Authorization. Raises Unauthorized, SlowDown."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a token: Authorization: Bearer …; POST /auth/tokens gives one.")
    caller = domain.tokens.authenticate(token.strip(), now)
    if seconds := flow.wait(caller.token.id, now):
        raise SlowDown(
            "This token makes too many requests. Wait before the next one.",
            retry_after=seconds,
            event="token.throttled",
            user_id=caller.user.uuid,
            token_id=caller.token.id,
        )
    return caller


def _require_permission(caller: Caller) -> None:
    """What does not depend on a tenant. Raises Forbidden."""
    if caller.is_restricted and request.endpoint not in FOR_SCRIPTS:
        raise Forbidden("This token is for reading and syncing books only. Log in for anything else.")
    if request.blueprint == ADMINISTRATION and not caller.user.is_admin:
        raise Forbidden("Only administrators may do this.")
