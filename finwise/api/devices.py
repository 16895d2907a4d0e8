"""Devices: which there are, and how far each is."""

from typing import Any

from finwise.api import context
from finwise.api.document import Blueprint
from finwise.domain.devices import Device
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.times import millis_text
from finwise.schemas.devices import DeviceSchema

blueprint = Blueprint("devices", __name__, description="The devices of an account book")


DEVICE_EXAMPLE = {
    "device_id": "c0ffee00-1111-4222-8333-444455556666",
    "device_name": "Ada's phone",
    "user_id": "8c5d2c6e-52a1-4f7e-9a43-0a3a6f0c9b11",
    "user_name": "Ada",
    "token_id": "0f6c1d52-8f0e-4b57-b0c4-2f9f5d0e7a31",
    "cursor": "2026-01-09T19:01:02.139001Z~7f3a9c1e",
    "last_contact": "2026-01-09T19:03:10.000Z",
    "clock_skew_ms": -1200,
}


@blueprint.route("/tenants/<id>/devices", methods=["GET"])
@blueprint.response(200, DeviceSchema(many=True), example=[DEVICE_EXAMPLE])
@blueprint.problems(401, 403, 404, 410, 503)
@blueprint.operation("listDevices")
def list_devices(id: str) -> list[dict[str, Any]]:
    """The devices of an account book, most recent contact first."""
    caller = context.caller()
    tenant = context.domain().tenants.to_read(caller, canonical_uuid(id))
    return [_describe(device, caller.user.uuid) for device in context.domain().devices.list_of(tenant.uuid)]


def _describe(device: Device, user_id: str) -> dict[str, Any]:
    heard, owner = device
    return {
        "device_id": heard.device_id,
        "device_name": owner and owner.device_name,
        "user_id": owner and owner.user_id,
        "user_name": owner and owner.user_name,
        "token_id": heard.token_id if owner and owner.user_id == user_id else None,
        "cursor": heard.cursor,
        "last_contact": millis_text(heard.at),
        "clock_skew_ms": heard.clock_skew,
    }
