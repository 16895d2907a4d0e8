"""A row of the tables: a request that is odd, and how it is answered.

A row is a name, a method, a path as it goes over the wire, a body (a dict becomes JSON; text and bytes go as they are)
and the status, with the code if it is not the usual one. Then follows whatever differs from a request of the
household's owner, who is an administrator as well: headers (None: not sent) and `token`. `<tenant>` and the like are
filled in; `<new>` is a UUID nobody has.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from finwise.domain.limits import Limits
from harness.requests.world import CANARY, PASSWORD

Headers = dict[str, str | None]

LIMITS = Limits()
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    410: "tenant_deleted",
    412: "error",
    413: "too_large",
    415: "unsupported_media_type",
    416: "error",
    422: "invalid",
}
NIL = "00000000-0000-0000-0000-000000000000"
FULL_WIDTH = "\uff18\uff18\uff18\uff18\uff18\uff18\uff18\uff18-1111-4111-8111-111111111111"
ARABIC = "%D9%A1%D9%A2"  # 12
RUN = "x" * 9_000
ASSET = "/docs/assets/swagger-ui.css"
PULL = "/sync/changes/<tenant>"
MEMBERS = "/tenants/<tenant>/members"
INVITATIONS = "/tenants/<tenant>/invitations"
CONFLICTS = "/sync/conflicts/<tenant>"
DECIDE = f"{CONFLICTS}/<conflict>/restore"
QUOTA = "/admin/tenants/<tenant>"


class Odd(NamedTuple):
    """A row of the table."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | str | bytes | None
    status: int
    code: str
    headers: Headers
    token: str


def odd(
    name: str,
    method: str,
    path: str,
    body: dict[str, Any] | str | bytes | None,
    status: int,
    headers: Headers | None = None,
    *,
    code: str = "",
    token: str = "home",
) -> Odd:
    """A row; the code is the usual one of the status, unless another is named."""
    return Odd(name, method, path, body, status, code or CODES.get(status, ""), headers or {}, token)


def user(**members: Any) -> dict[str, Any]:
    """Signing up, `members` apart; `...` leaves one out."""
    new = {"uuid": "<new>", "name": CANARY, "email": "<email>"} | members
    return {name: value for name, value in new.items() if value is not ...}


def login(**members: Any) -> dict[str, Any]:
    return {"email": "<home email>", "password": PASSWORD, "device_name": CANARY} | members


def tenant(**members: Any) -> dict[str, Any]:
    return {"uuid": "<new>", "name": CANARY} | members


def push(**members: Any) -> dict[str, Any]:
    change = {"change_id": "<new>", "entity_type": "tags", "id": "t9", "updated_at": "2026-01-09T19:01:00Z",
              "data": {"name": CANARY}}  # fmt: skip
    envelope = {"tenant_id": "<tenant>", "changes": [change]} | members
    return {name: value for name, value in envelope.items() if value is not ...}


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def kind(content_type: str | None) -> Headers:
    return {"Content-Type": content_type}
