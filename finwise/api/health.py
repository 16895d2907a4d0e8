"""Whether the server is there, and whether it could serve."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.api.errors import limits
from finwise.domain.sync import PROTOCOL
from finwise.schemas.sync import HealthSchema, ReadinessSchema
from finwise.version import __version__

blueprint = Blueprint("health", __name__, description="For devices, proxies and monitors")


HEALTH_EXAMPLE = {
    "status": "ok",
    "protocol": PROTOCOL,
    "server_version": __version__,
    "login": "password",
    "login_names": False,
    "sign_up": "open",
    "invitation_days": 7,
    "trash_days": 30,
    "limits": {"max_body_bytes": 8388608, "max_changes": 5000, "max_change_bytes": 262144},
    "entity_types": ["accounts", "transactions"],
}


@blueprint.route("/healthz", methods=["GET"])
@blueprint.response(200, HealthSchema, example=HEALTH_EXAMPLE)
@blueprint.operation("getHealth", public=True)
def healthz() -> dict[str, Any]:
    """The process runs. Names the protocol, the way to log in, the limits and the entity types."""
    return {
        "status": "ok",
        "protocol": PROTOCOL,
        "server_version": __version__,
        "login": context.settings().login,
        "login_names": bool(context.settings().login_names),
        "sign_up": context.settings().sign_up,
        "invitation_days": context.settings().invitation_days,
        "trash_days": context.settings().trash_days,
        "limits": limits(),
        "entity_types": context.domain().sync.entity_types,
    }


@blueprint.route("/readyz", methods=["GET"])
@blueprint.response(200, ReadinessSchema, example={"status": "ok"})
@blueprint.problems(503, 507)
@blueprint.operation("getReadiness", public=True)
def readyz() -> dict[str, str]:
    """The server can use its files, so requests would be served."""
    if problems := context.domain().health.problems():
        raise type(problems[0])(" ".join(problem.detail for problem in problems), retry_after=10)
    return {"status": "ok"}
