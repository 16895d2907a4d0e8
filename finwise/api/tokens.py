"""Tokens: logging in on a device, and ending it again."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.tokens import Token
from finwise.schemas.tokens import IssuedTokenSchema, LoginSchema, TokenSchema

blueprint = Blueprint("tokens", __name__, description="What a device shows instead of a password")


TOKEN_EXAMPLE = {
    "id": "0f6c1d52-8f0e-4b57-b0c4-2f9f5d0e7a31",
    "device_name": "Ada's phone",
    "created_at": "2026-01-09T19:01:02.140Z",
    "expires_at": "2026-04-09T19:01:02.140Z",
}
ISSUED_EXAMPLE = {
    "id": TOKEN_EXAMPLE["id"],
    "token": "fw_…",
    "expires_at": TOKEN_EXAMPLE["expires_at"],
    "user": {"uuid": "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11", "name": "Ada", "email": "ada@example.org"},
}


@blueprint.route("/auth/tokens", methods=["POST"])
@blueprint.arguments(
    LoginSchema,
    example={"email": "ada@example.org", "password": "correct horse battery", "device_name": "Ada's phone"},
)
@blueprint.response(201, IssuedTokenSchema, example=ISSUED_EXAMPLE)
@blueprint.problems(401, 413, 415, 422, 429, 503)
@blueprint.operation("createToken", public=True)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in. The token is told this once."""
    issued = context.domain().tokens.log_in(
        body["email"], body["password"], body["device_name"], context.address(), context.now()
    )
    token = issued.token
    return {"id": token.id, "token": issued.secret, "expires_at": token.expires_at, "user": issued.user}


@blueprint.route("/auth/tokens", methods=["GET"])
@blueprint.response(200, TokenSchema(many=True), example=[TOKEN_EXAMPLE])
@blueprint.problems(401)
@blueprint.operation("listTokens")
def list_tokens() -> list[Token]:
    """One's own tokens that have not expired."""
    return context.domain().tokens.list_of(context.user(), context.now())


@blueprint.route("/auth/tokens/<id>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 404)
@blueprint.operation("deleteToken")
def revoke(id: str) -> None:
    """Revoke one of one's own tokens, at once and everywhere."""
    context.domain().tokens.revoke(context.user(), canonical_uuid(id))
