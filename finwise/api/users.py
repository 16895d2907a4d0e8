"""Users: signing up, and one's own record."""

from typing import Any

from finwise.api import context, proxies
from finwise.api.document import Blueprint
from finwise.domain.access import PASSWORD
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.user import User
from finwise.domain.users import NewUser, require_self
from finwise.errors import Forbidden
from finwise.schemas.users import NewUserSchema, UserPatchSchema, UserSchema

blueprint = Blueprint("users", __name__, description="People who may open account books")


NEW_EXAMPLE = {"uuid": "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11", "name": "Ada", "email": "ada@example.org"}
USER_EXAMPLE = {
    **NEW_EXAMPLE,
    "is_admin": False,
    "created_at": "2026-01-09T19:00:00.000Z",
    "updated_at": "2026-01-09T19:00:00.000Z",
}


@blueprint.route("/users", methods=["POST"])
@blueprint.arguments(NewUserSchema, example={**NEW_EXAMPLE, "password": "correct horse battery"})
@blueprint.response(201, UserSchema, example=USER_EXAMPLE)
@blueprint.alt_response(
    200, schema=UserSchema, success=True, description="It already exists, with the same content.", example=USER_EXAMPLE
)
@blueprint.problems(403, 404, 409, 413, 415, 422, 429, 503)
@blueprint.operation("createUser", public=True)
def register(body: dict[str, Any]) -> tuple[User, int]:
    """Sign up; with an invitation's code, you become a member at once. Repeating the request does no harm."""
    if context.settings().login != PASSWORD:
        raise Forbidden("Nobody signs up here: log in (POST /auth/tokens).")
    new = NewUser(body["uuid"], body["name"], body["email"], body.get("password"))
    user, is_new = context.domain().users.register(new, proxies.address(), context.now(), body.get("invitation"))
    return user, 201 if is_new else 200


@blueprint.route("/users", methods=["GET"])
@blueprint.response(200, UserSchema(many=True), example=[USER_EXAMPLE])
@blueprint.problems(401)
@blueprint.operation("listUsers")
def list_users() -> list[User]:
    """The users you may see: yourself."""
    return [context.user()]


@blueprint.route("/users/<uuid>", methods=["GET"])
@blueprint.response(200, UserSchema, example=USER_EXAMPLE)
@blueprint.problems(401, 404)
@blueprint.operation("getUser")
def get_user(uuid: str) -> User:
    """Your own record."""
    return require_self(context.user(), canonical_uuid(uuid))


@blueprint.route("/users/<uuid>", methods=["PATCH"])
@blueprint.arguments(UserPatchSchema, example={"name": "Ada L."})
@blueprint.response(200, UserSchema, example=USER_EXAMPLE)
@blueprint.problems(401, 404, 409, 413, 415, 422, 429, 503)
@blueprint.operation("updateUser")
def update_user(body: dict[str, Any], uuid: str) -> User:
    """Change your name, e-mail or password. A new password requires the current one and revokes all other tokens."""
    user = require_self(context.user(), canonical_uuid(uuid))
    users = context.domain().users
    if "password" in body:
        users.require_password(user, body.get("current_password"), context.caller().token.id, context.now())
    return users.change(
        user,
        context.now(),
        name=body.get("name"),
        email=body.get("email"),
        password=body.get("password"),
        token_id=context.caller().token.id,
    )


@blueprint.route("/users/<uuid>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.problems(401, 404, 409, 503, 507)
@blueprint.operation("deleteUser")
def delete_user(uuid: str) -> None:
    """Delete your account. Books without other members are deleted; shared ones need another owner first."""
    context.domain().users.delete(require_self(context.user(), canonical_uuid(uuid)), context.now())
