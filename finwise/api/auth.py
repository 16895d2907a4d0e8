"""Who asks. Every route needs a token, but for those named here."""

from flask import Flask, g, request

from finwise.api import context
from finwise.errors import Unauthorized

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
    }
)


def register(app: Flask) -> None:
    """Puts the user and the token's id into the request's context, or refuses the request."""

    @app.before_request
    def authenticate() -> None:
        # No endpoint: no such route or method, which the errors' own handlers answer.
        if request.endpoint is None or request.endpoint in PUBLIC:
            return
        g.token_id, g.user = context.domain().tokens.authenticate(_bearer_token(), context.now())


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Send a token: Authorization: Bearer …; POST /auth/tokens gives one.")
    return token.strip()
