"""Tokens: logging in on a device, and ending it again."""

from typing import Any

from finwise.api import context, proxies
from finwise.api.document import Blueprint
from finwise.api.users import USER_EXAMPLE
from finwise.domain.access import HEADER, NONE
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.token import Token
from finwise.domain.tokens import Issued, NewToken
from finwise.errors import Invalid
from finwise.schemas.tokens import IssuedTokenSchema, LoginSchema, RevocationQuerySchema, TokenPatchSchema, TokenSchema

blueprint = Blueprint("tokens", __name__, description="What a device shows instead of a password")


TOKEN_EXAMPLE = {
    "id": "0f6c1d52-8f0e-4b57-b0c4-2f9f5d0e7a31",
    "device_name": "Ada's phone",
    "created_at": "2026-01-09T19:01:02.140Z",
    "expires_at": "2026-04-09T19:01:02.140Z",
    "last_used_at": "2026-01-09T19:11:02.140Z",
    "tenant_id": None,
    "read_only": False,
}
ISSUED_EXAMPLE = {
    "id": TOKEN_EXAMPLE["id"],
    "token": "fw_…",
    "expires_at": TOKEN_EXAMPLE["expires_at"],
    "user": USER_EXAMPLE,
}


@blueprint.route("/auth/tokens", methods=["POST"])
@blueprint.arguments(
    LoginSchema,
    example={"email": "ada@example.org", "password": "correct horse battery", "device_name": "Ada's phone"},
)
@blueprint.response(201, IssuedTokenSchema, example=ISSUED_EXAMPLE)
@blueprint.problems(401, 403, 404, 413, 415, 422, 429, 503)
@blueprint.operation("createToken", public=True)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Log in. The token is shown only here. For a script, it can be restricted to a tenant and to reading."""
    new = NewToken(body["device_name"], body.get("tenant_id"), body.get("read_only", False))
    issued = _issue(body, new)
    token = issued.token
    return {"id": token.id, "token": issued.secret, "expires_at": token.expires_at, "user": issued.user}


@blueprint.route("/auth/tokens", methods=["GET"])
@blueprint.response(200, TokenSchema(many=True), example=[TOKEN_EXAMPLE])
@blueprint.problems(401)
@blueprint.operation("listTokens")
def list_tokens() -> list[Token]:
    """Your tokens that have not expired."""
    return context.domain().tokens.list_of(context.user(), context.now())


@blueprint.route("/auth/tokens", methods=["DELETE"])
@blueprint.arguments(RevocationQuerySchema, location="query")
@blueprint.response(204)
@blueprint.problems(401, 403, 422)
@blueprint.operation("deleteTokens")
def revoke_all(query: dict[str, Any]) -> None:
    """Log out everywhere, at once; with `others`, everywhere else."""
    spared = context.caller().token.id if query.get("others") else None
    context.domain().tokens.revoke_all(context.user(), but=spared)


@blueprint.route("/auth/tokens/<id>", methods=["PATCH"])
@blueprint.arguments(TokenPatchSchema, example={"device_name": "Ada's phone"})
@blueprint.response(200, TokenSchema, example=TOKEN_EXAMPLE)
@blueprint.problems(401, 403, 404, 413, 415, 422, 503, 507)
@blueprint.operation("updateToken")
def rename(body: dict[str, Any], id: str) -> Token:
    """Rename the device of one of your tokens."""
    return context.domain().tokens.rename(context.user(), canonical_uuid(id), body["device_name"], context.now())


@blueprint.route("/auth/tokens/<id>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 404)
@blueprint.operation("deleteToken")
def revoke(id: str) -> None:
    """Revoke one of your tokens, at once and everywhere."""
    context.domain().tokens.revoke(context.user(), canonical_uuid(id))


def _issue(body: dict[str, Any], new: NewToken) -> Issued:
    """A token, by the one way to log in that the settings choose."""
    joined, settings, now = context.domain(), context.settings(), context.now()
    if settings.login == HEADER:
        return joined.tokens.admit(joined.users.admit(proxies.named_user(settings), now), new, now)
    if settings.login == NONE:
        proxies.require_same_machine()
        return joined.tokens.admit(joined.users.only(now), new, now)
    missing = {name: ["Missing data for required field."] for name in ("email", "password") if name not in body}
    if missing:
        raise Invalid("Log in with e-mail and password.", errors=missing)
    return joined.tokens.log_in(body["email"], body["password"], new, proxies.address(), now)
