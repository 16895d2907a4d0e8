"""The catalogue of odd requests, over all routes: each is answered as the table says, and a refusal leaves no trace.

A row is a name, a method, a path as it goes over the wire, a body (a dict becomes JSON; text and bytes go as they are)
and the status, with the code where it is not the usual one. Behind it stands whatever differs from a request of the
household's owner, who is an administrator as well: headers (None: not sent) and `token`. `<tenant>` and the like are
filled in; `<new>` is a UUID nobody has.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import pytest
from werkzeug.exceptions import HTTPException

from finwise.domain.limits import Limits
from harness.problems import assert_problem
from harness.requests.rounds import MARKS
from harness.requests.valid import with_token
from harness.requests.world import CANARY, PASSWORD, Sent, World

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


JSON = [
    odd("33 arrays in a name", "POST", "/users", f'{{"uuid": "<new>", "name": {nested(33)}}}', 422),
    odd("16,000 open arrays", "POST", "/tenants", "[" * 16_000, 422),
    odd("8,000 arrays", "POST", "/auth/tokens", nested(8_000), 422),
    odd("2,500 objects in a role", "POST", INVITATIONS, '{"role": ' + '{"a":' * 2_500 + "1" + "}" * 2_501, 422),
    odd("5,000 arrays in a code", "POST", "/invitations/accept", f'{{"code": {nested(5_000)}}}', 422),
    odd("33 arrays beside a decision", "POST", DECIDE, f'{{"x": {nested(33)}}}', 422),
    odd("closing brackets", "PATCH", "/users/<home>", "]" * 16_000, 422),
    odd("a name twice", "POST", "/tenants", f'{{"uuid": "<new>", "name": "{CANARY}", "name": "b"}}', 422),
    odd("a name twice, once escaped", "PATCH", "/tenants/<tenant>", r'{"name": "a", "\u006eame": "b"}', 422),
    odd("a role twice", "PATCH", f"{MEMBERS}/<editor>", '{"role": "viewer", "role": "owner"}', 422),
    odd("a quota twice", "PATCH", QUOTA, '{"quota_mib": 1, "quota_mib": null}', 422),
    odd("is_admin twice", "PATCH", "/admin/users/<other>", '{"is_admin": false, "is_admin": true}', 422),
    odd(
        "a tenant twice in a push",
        "POST",
        "/sync/changes",
        '{"tenant_id": "<tenant>", "tenant_id": "<other tenant>", "changes": []}',
        422,
    ),
    odd("a base twice in a decision", "POST", DECIDE, '{"base_updated_at": null, "base_updated_at": null}', 422),
    odd("NaN as a quota", "PATCH", QUOTA, '{"quota_mib": NaN}', 422),
    odd("Infinity as a quota", "PATCH", QUOTA, '{"quota_mib": Infinity}', 422),
    odd(
        "-Infinity as a limit",
        "POST",
        "/sync/changes",
        '{"tenant_id": "<tenant>", "changes": [], "limit": -Infinity}',
        422,
    ),
    odd("1e999 as a quota", "PATCH", QUOTA, '{"quota_mib": 1e999}', 422),
    odd("2^53 as a quota", "PATCH", QUOTA, {"quota_mib": 2**53}, 422),
    odd("2^63 as a name", "PATCH", "/users/<home>", {"name": 2**63}, 422),
    odd("5,000 digits as a quota", "PATCH", QUOTA, f'{{"quota_mib": {"9" * 5_000}}}', 422),
    odd("15,000 digits as a device", "POST", "/auth/tokens", f'{{"device_name": {"9" * 15_000}}}', 422),
    odd("-0 as a quota", "PATCH", QUOTA, '{"quota_mib": -0}', 422),
    odd("a lone surrogate in a name", "POST", "/tenants", r'{"uuid": "<new>", "name": "\ud800"}', 422),
    odd("a lone surrogate in a password", "PATCH", "/users/<home>", r'{"password": "12345678\udc00"}', 422),
    odd("surrogates the wrong way round", "POST", "/invitations/accept", r'{"code": "\udc00\ud800"}', 422),
    odd(
        "a lone surrogate in an e-mail",
        "POST",
        "/admin/users",
        r'{"uuid": "<new>", "name": "a", "email": "\ud800@b.c"}',
        422,
    ),
    odd("a lone surrogate as a key", "POST", INVITATIONS, r'{"role": "viewer", "\ud800": 1}', 422),
    odd(
        "a lone surrogate in a cursor",
        "POST",
        "/sync/changes",
        r'{"tenant_id": "<tenant>", "changes": [], "since": "\ud800"}',
        400,
        code="bad_cursor",
    ),
    odd("U+0000 in a name", "POST", "/users", user(name="a\0b"), 422),
    odd("U+0000 in an e-mail", "PATCH", "/users/<home>", {"email": "a\0@b.c"}, 422),
    odd("U+0000 in a role", "PATCH", f"{MEMBERS}/<editor>", {"role": "viewer\0"}, 422),
    odd("U+0000 in a code", "POST", "/invitations/accept", {"code": f"{CANARY}\0"}, 422),
    odd("U+0000 in a device's name", "POST", "/auth/tokens", login(device_name="a\0b"), 422),
    odd("a device's name that turns the text", "PATCH", "/auth/tokens/x", {"device_name": "a\u202eb"}, 422),
    odd("a tenant's name that clears the screen", "PATCH", "/tenants/<tenant>", {"name": "a\x1b[2J"}, 422),
    odd("an e-mail with a space of no width", "PATCH", "/users/<home>", {"email": "a\u200b@b.c"}, 422),
    odd("U+0000 in a device's id", "POST", "/sync/changes", push(device_id="a\0b"), 422),
    odd("U+0000 as a key", "POST", "/tenants", tenant(**{"\0": 1}), 422),
    odd("a byte order mark", "POST", "/users", b"\xef\xbb\xbf{}", 422),
    odd("UTF-16", "POST", "/tenants", '{"uuid": "a"}'.encode("utf-16"), 422),
    odd("UTF-32", "POST", "/auth/tokens", '{"email": "a"}'.encode("utf-32-le"), 422),
    odd("latin-1", "PATCH", "/tenants/<tenant>", '{"name": "\xc4"}'.encode("latin-1"), 422),
    odd("a surrogate in UTF-8", "POST", "/invitations/accept", b'{"code": "\xed\xa0\x80"}', 422),
    odd("an overlong slash", "PATCH", QUOTA, b'{"quota_mib": "\xc0\xaf"}', 422),
    odd("a value behind the value", "PATCH", "/users/<home>", '{"name": "a"} {"name": "b"}', 422),
    odd("a bracket behind the value", "PATCH", f"{MEMBERS}/<editor>", '{"role": "viewer"}}', 422),
    odd("U+0000 behind the value", "POST", "/sync/changes", b'{"changes": []}\0', 422),
    odd("a comma at the end", "POST", INVITATIONS, '{"role": "viewer",}', 422),
    odd("a comment", "PATCH", "/admin/users/<other>", '{"is_admin": true} // yes', 422),
    odd("single quotes", "POST", "/admin/users", "{'uuid': 1}", 422),
    odd("a hexadecimal number", "PATCH", QUOTA, '{"quota_mib": 0x10}', 422),
    odd("leading zeros", "PATCH", QUOTA, '{"quota_mib": 007}', 422),
    odd("a line break in a string", "PATCH", "/tenants/<tenant>", '{"name": "a\nb"}', 422),
    odd("half an object", "POST", "/users", f'{{"name": "{CANARY}', 422),
    odd("nothing", "POST", "/tenants", b"", 422),
    odd("spaces", "POST", "/sync/changes", b"   ", 422),
    odd("a form", "POST", "/auth/tokens", f"email={CANARY}", 422),
    odd("null for an object", "PATCH", QUOTA, "null", 422),
    odd("an array for an object", "POST", "/sync/changes", "[]", 422),
    odd("an array around the object", "POST", "/tenants", '[{"uuid": "<new>", "name": "a"}]', 422),
    odd("text for an object", "POST", "/invitations/accept", f'"{CANARY}"', 422),
    odd("a number for an object", "PATCH", "/users/<home>", "7", 422),
    odd("true for a decision", "POST", DECIDE, "true", 422),
    odd("a decision as an array", "POST", DECIDE, "[]", 422),
]

MEDIA = [
    odd("no media type", "POST", "/users", user(), 415, kind(None)),
    odd("a media type without a slash", "POST", "/tenants", tenant(), 415, kind(CANARY)),
    odd("text/plain", "POST", "/auth/tokens", login(), 415, kind("text/plain")),
    odd(
        "a form's media type",
        "POST",
        "/invitations/accept",
        {"code": CANARY},
        415,
        kind("application/x-www-form-urlencoded"),
    ),
    odd("parts of a form", "POST", "/sync/changes", push(), 415, kind("multipart/form-data; boundary=x")),
    odd("JSON:API", "PATCH", "/users/<home>", {"name": "a"}, 415, kind("application/vnd.api+json")),
    odd("two media types", "PATCH", QUOTA, {"quota_mib": 1}, 415, kind("application/json, application/json")),
    odd("UTF-7", "PATCH", f"{MEMBERS}/<editor>", {"role": "viewer"}, 415, kind("application/json; charset=utf-7")),
    odd("UTF-16 as a charset", "POST", INVITATIONS, {"role": "viewer"}, 415, kind("application/json; charset=utf-16")),
    odd("a charset nobody knows", "POST", "/admin/users", user(), 415, kind(f"application/json; charset={CANARY}")),
    odd("a decision in plain text", "POST", DECIDE, {}, 415, kind("text/plain")),
    odd("gzip", "POST", "/sync/changes", push(), 415, {"Content-Encoding": "gzip"}),
    odd("an encoding nobody knows", "POST", "/users", user(), 415, {"Content-Encoding": CANARY}),
    odd(
        "two encodings", "PATCH", "/admin/users/<other>", {"is_admin": True}, 415, {"Content-Encoding": "identity, br"}
    ),
    odd("a negative length", "POST", "/sync/changes", push(), 422, {"Content-Length": "-1"}),
    odd("a length in letters", "POST", "/sync/changes", push(), 422, {"Content-Length": CANARY}),
    odd("a length in Arabic digits", "POST", "/tenants", tenant(), 422, {"Content-Length": "\xd9\xa1"}),
    odd("a length beyond the limit", "POST", "/sync/changes", push(), 413, {"Content-Length": "9" * 20}),
    odd("a body beyond the limit", "POST", "/tenants", b" " * (LIMITS.body_bytes + 1), 413),
    odd("changes beyond the limit", "POST", "/sync/changes", push(changes=[1] * (LIMITS.changes + 1)), 413),
]

TYPES = [
    odd("a UUID as a number", "POST", "/users", user(uuid=7), 422),
    odd("a name as an array", "POST", "/users", user(name=[CANARY]), 422),
    odd("an e-mail as an object", "POST", "/admin/users", user(email={CANARY: CANARY}), 422),
    odd("a password as a number", "POST", "/users", user(password=1234567890), 422),
    odd("a password as true", "PATCH", "/admin/users/<other>", {"password": True}, 422),
    odd("a query of another language as an e-mail", "POST", "/auth/tokens", login(email={"$ne": 1}), 422),
    odd("a wildcard as a password", "POST", "/auth/tokens", login(password={"$gt": ""}), 422),
    odd("is_admin as text", "PATCH", "/admin/users/<other>", {"is_admin": "true"}, 422),
    odd("is_admin as 1", "PATCH", "/admin/users/<other>", {"is_admin": 1}, 422),
    odd("is_admin as null", "PATCH", "/admin/users/<other>", {"is_admin": None}, 422),
    odd("a device's name as a number", "PATCH", f"/auth/tokens/{NIL}", {"device_name": 7}, 422),
    odd("a device's name of two lines", "PATCH", f"/auth/tokens/{NIL}", {"device_name": "a\nb"}, 422),
    odd("a device's secret", "PATCH", f"/auth/tokens/{NIL}", {"device_name": "a", "token": "fw_a"}, 422),
    odd("a current password as a list", "PATCH", "/users/<home>", {"current_password": [PASSWORD]}, 422),
    odd("days as text", "POST", INVITATIONS, {"role": "viewer", "days": "7"}, 422),
    odd("read_only as text", "POST", "/auth/tokens", login(read_only="yes"), 422),
    odd("read_only as 0", "POST", "/auth/tokens", login(read_only=0), 422),
    odd("read_only as null", "POST", "/auth/tokens", login(read_only=None), 422),
    odd("a token's tenant as a list", "POST", "/auth/tokens", login(tenant_id=["<tenant>"]), 422),
    odd("a token's tenant as nothing", "POST", "/auth/tokens", login(tenant_id=""), 422),
    odd("a quota as text", "PATCH", QUOTA, {"quota_mib": "64"}, 422),
    odd("a quota as true", "PATCH", QUOTA, {"quota_mib": True}, 422),
    odd("a quota with a fraction", "PATCH", QUOTA, {"quota_mib": 64.0}, 422),
    odd("a quota with an exponent", "PATCH", QUOTA, '{"quota_mib": 1e3}', 422),
    odd("a quota of nothing", "PATCH", QUOTA, {"quota_mib": 0}, 422),
    odd("a quota below nothing", "PATCH", QUOTA, {"quota_mib": -1}, 422),
    odd("a quota beyond all", "PATCH", QUOTA, {"quota_mib": 1_048_577}, 422),
    odd("a quota left out", "PATCH", QUOTA, {}, 422),
    odd("a role as a list", "PATCH", f"{MEMBERS}/<editor>", {"role": ["owner"]}, 422),
    odd("a role as null", "PATCH", f"{MEMBERS}/<editor>", {"role": None}, 422),
    odd("a role in capitals", "PATCH", f"{MEMBERS}/<editor>", {"role": "VIEWER"}, 422),
    odd("a role nobody has", "POST", INVITATIONS, {"role": CANARY}, 422),
    odd("an owner invited", "POST", INVITATIONS, {"role": "owner"}, 422),
    odd("a code as a number", "POST", "/invitations/accept", {"code": 7}, 422),
    odd("a code of nothing", "POST", "/invitations/accept", {"code": ""}, 422),
    odd("a code without end", "POST", "/invitations/accept", {"code": RUN}, 422),
    odd("an invitation as an object", "POST", "/users", user(invitation={}), 422),
    odd("changes as an object", "POST", "/sync/changes", push(changes={}), 422),
    odd("changes as text", "POST", "/sync/changes", push(changes=CANARY), 422),
    odd("changes as null", "POST", "/sync/changes", push(changes=None), 422),
    odd("changes left out", "POST", "/sync/changes", push(changes=...), 422),
    odd("a tenant as a number", "POST", "/sync/changes", push(tenant_id=7), 422),
    odd("entity types as text", "POST", "/sync/changes", push(entity_types="tags"), 422),
    odd("entity types as numbers", "POST", "/sync/changes", push(entity_types=[1]), 422),
    odd("a device's id as a number", "POST", "/sync/changes", push(device_id=7), 422),
    odd("a device's id without end", "POST", "/sync/changes", push(device_id=RUN), 422),
    odd("yesterday as a time", "POST", "/sync/changes", push(client_time="yesterday"), 422),
    odd("a number as a time", "POST", "/sync/changes", push(client_time=1_767_985_260), 422),
    odd("a cursor as a number", "POST", "/sync/changes", push(since=7), 422),
    odd("a base as a number", "POST", DECIDE, {"base_updated_at": 7}, 422),
    odd("a base of 30 February", "POST", DECIDE, {"base_updated_at": "2026-02-30T00:00:00Z"}, 422),
    odd("a name of 201 characters", "PATCH", "/tenants/<tenant>", {"name": "x" * 201}, 422),
    odd("a blank name", "POST", "/tenants", tenant(name="\u3000"), 422),
    odd("a name of two lines", "PATCH", "/users/<home>", {"name": f"a\r\n{CANARY}: x"}, 422),
    odd("an escape in a device's name", "POST", "/auth/tokens", login(device_name="\x1b[2J"), 422),
    odd("an e-mail with a header behind it", "POST", "/users", user(email=f"a@b.c\r\nBcc: {CANARY}@b.c"), 422),
    odd("an e-mail with two signs", "PATCH", "/users/<home>", {"email": f"{CANARY}@b@c"}, 422),
    odd("an e-mail without end", "POST", "/users", user(email=f"a@{RUN}"), 422),
    odd("an e-mail in full width that is taken", "POST", "/users", user(email="<other email in full width>"), 409),
    odd("an e-mail in capitals that is taken", "POST", "/admin/users", user(email="<other email in capitals>"), 409),
    odd("a password of seven characters", "POST", "/users", user(password="1234567"), 422),
    odd("a password of 129 characters", "POST", "/admin/users", user(password="x" * 129), 422),
]

# Members that the server keeps for itself, or that belong to somebody else's request.
ASSIGNED = [
    *[
        odd(f"{name} when signing up", "POST", "/users", user(**{name: value}), 422)
        for name, value in {
            "is_admin": True,
            "hashed_password": CANARY,
            "created_at": CANARY,
            "email_key": CANARY,
        }.items()
    ],
    *[
        odd(f"{name} about oneself", "PATCH", "/users/<home>", {"name": "a", name: value}, 422)
        for name, value in {"is_admin": True, "uuid": "<new>", "hashed_password": None}.items()
    ],
    *[
        odd(f"{name} of a new tenant", "POST", "/tenants", tenant(**{name: value}), 422)
        for name, value in {"state": "deleted", "role": "owner", "quota_mib": 9, "created_at": CANARY}.items()
    ],
    *[
        odd(f"{name} of a tenant", "PATCH", "/tenants/<tenant>", {"name": "a", name: value}, 422)
        for name, value in {"user_id": "<editor>", "state": "deleted", "quota_mib": None, "role": "viewer"}.items()
    ],
    *[
        odd(f"{name} when logging in", "POST", "/auth/tokens", login(**{name: value}), 422)
        for name, value in {"user_id": "<other>", "expires_at": CANARY, "is_admin": True, "token": "fw_x"}.items()
    ],
    *[
        odd(f"{name} of a member", "PATCH", f"{MEMBERS}/<editor>", {"role": "editor", name: value}, 422)
        for name, value in {"user_id": "<viewer>", "tenant_id": "<other tenant>", "added_at": CANARY}.items()
    ],
    *[
        odd(f"{name} of an invitation", "POST", INVITATIONS, {"role": "viewer", name: value}, 422)
        for name, value in {"tenant_id": "<other tenant>", "expires_at": CANARY, "code": CANARY}.items()
    ],
    *[
        odd(f"{name} when accepting", "POST", "/invitations/accept", {"code": "<code>", name: value}, 422)
        for name, value in {"role": "owner", "user_id": "<other>", "tenant_id": "<tenant>"}.items()
    ],
    *[
        odd(f"a member that nobody knows at {path}", method, path, body | {CANARY: CANARY}, 422)
        for method, path, body in (
            ("POST", "/users", user()),
            ("PATCH", "/users/<home>", {"name": "a"}),
            ("POST", "/auth/tokens", login()),
            ("POST", "/tenants", tenant()),
            ("PATCH", f"{MEMBERS}/<editor>", {"role": "editor"}),
            ("POST", INVITATIONS, {"role": "viewer"}),
            ("POST", "/invitations/accept", {"code": "<code>"}),
            ("PATCH", "/admin/users/<other>", {"is_admin": True}),
            ("PATCH", QUOTA, {"quota_mib": 1}),
        )
    ],
    odd("is_admin of a user added", "POST", "/admin/users", user(is_admin=True), 422),
    odd("an invitation for a user added", "POST", "/admin/users", user(invitation="<code>"), 422),
    odd("another's e-mail by an administrator", "PATCH", "/admin/users/<other>", {"email": "<email>"}, 422),
    odd("another's hash by an administrator", "PATCH", "/admin/users/<other>", {"hashed_password": CANARY}, 422),
    odd("an owner by an administrator", "PATCH", QUOTA, {"quota_mib": 1, "user_id": "<home>"}, 422),
    odd("a state by an administrator", "PATCH", QUOTA, {"quota_mib": 1, "state": "deleted"}, 422),
    odd("another owner of a new tenant", "POST", "/tenants", tenant(user_id="<other>"), 403),
    odd(
        "members of a push that nobody reads",
        "POST",
        "/sync/changes",
        push(changes=[], role="owner", user_id="<other>"),
        200,
    ),
]

IDS = [
    *[
        odd(f"{name} as a new {what}", "POST", path, body | {"uuid": value}, 422)
        for what, path, body in (
            ("user", "/users", user()),
            ("tenant", "/tenants", tenant()),
            ("added user", "/admin/users", user()),
        )
        for name, value in {
            "a URN": "urn:uuid:<new>",
            "braces": "{<new>}",
            "no dashes": "8" * 32,
            "full width": FULL_WIDTH,
            "nil": NIL,
            "a line break behind": "<new>\n",
            "a sign before": "+<new>",
        }.items()
    ],
    *[
        odd(
            f"{name} as {what}",
            method,
            path.replace("@", value),
            {"role": "viewer"} if method == "PATCH" else None,
            404,
        )
        for what, method, path in (
            ("a tenant", "GET", "/tenants/@"),
            ("a tenant to delete", "DELETE", "/tenants/@"),
            ("a user", "GET", "/users/@"),
            ("a token", "DELETE", "/auth/tokens/@"),
            ("a member", "PATCH", f"{MEMBERS}/@"),
            ("an invitation", "DELETE", f"{INVITATIONS}/@"),
            ("a user to manage", "DELETE", "/admin/users/@"),
            ("a book to load", "GET", "/sync/initial/@"),
            ("an export", "GET", "/tenants/@/export"),
        )
        for name, value in {
            "a URN": "urn:uuid:<tenant>",
            "nil": NIL,
            "U+0000 behind": "<tenant>%00",
            "a canary": CANARY,
        }.items()
    ],
    odd("braces around a tenant", "GET", "/tenants/%7B<tenant>%7D/members", None, 404),
    odd("full-width digits in a tenant", "GET", "/sync/changes/%EF%BC%98111111-1111-4111-8111-111111111111", None, 404),
    odd("a line break behind a tenant", "GET", "/tenants/<tenant>%0A/devices", None, 404),
    odd("a space before a tenant", "GET", "/sync/conflicts/%20<tenant>", None, 404),
    odd("a tenant in capitals", "GET", "/tenants/<TENANT>", None, 200),
    odd("a user in capitals", "GET", "/users/<HOME>", None, 200),
    odd("an SQL condition as a conflict", "POST", f"{CONFLICTS}/'%20OR%201=1%20--/dismiss", None, 404),
    odd("U+0000 as a conflict", "POST", f"{CONFLICTS}/%00/restore", None, 404),
    odd("a broken character as a conflict", "POST", f"{CONFLICTS}/%ED%A0%80/dismiss", None, 404),
    odd("a conflict without end", "POST", f"{CONFLICTS}/{RUN}/restore", None, 404),
    odd("a deleted tenant", "GET", "/tenants/<gone>", None, 410),
    odd("a deleted tenant's UUID", "POST", "/tenants", tenant(uuid="<gone>"), 409),
    odd("another's tenant for a token", "POST", "/auth/tokens", login(tenant_id="<other tenant>"), 404),
    odd("another's tenant for an administrator", "GET", "/tenants/<other tenant>/export", None, 404),
]

PATHS = [
    odd("two slashes before", "GET", "//tenants", None, 200),
    odd("two slashes between", "GET", "/tenants//<tenant>", None, 404),
    odd("two slashes before the host of another", "GET", "//evil.example/tenants", None, 404),
    odd("a slash behind", "GET", "/tenants/", None, 200),
    odd("dots that are escaped", "GET", "/tenants/%2e%2e/users", None, 404),
    odd("dots escaped twice", "GET", "/tenants/%252e%252e", None, 404),
    odd("an escaped slash", "GET", "/tenants%2F<tenant>", None, 200),
    odd("capitals", "GET", "/Tenants", None, 404),
    odd("a semicolon before a parameter", "GET", "/auth/tokens;user_id=<other>", None, 404),
    odd("a semicolon", "GET", "/tenants/<tenant>;x=1", None, 404),
    odd("an ending", "GET", "/users/<home>.json", None, 404),
    odd("a backslash", "GET", "/admin%5Cusers", None, 404),
    odd("U+0000 behind a route", "GET", "/admin/users%00", None, 404),
    odd("a line break and a header", "GET", f"/users%0D%0A{CANARY}:%20x", None, 404),
    odd("bytes that are no UTF-8", "GET", "/%FF%FE", None, 404),
    odd("a path without end", "GET", f"/{RUN}", None, 404),
    odd("many segments", "GET", "/a" * 4_000, None, 404),
    odd("a way out of the pages", "GET", "/static/%2e%2e/%2e%2e/config.py", None, 404),
    odd("a way out by backslashes", "GET", "/static/..%5C..%5Cconfig.py", None, 404),
    odd("an absolute file", "GET", "/static//etc/passwd", None, 404),
    odd("a way out of the assets", "GET", "/docs/assets/..%2F..%2F__init__.py", None, 404),
    odd("U+0000 as an asset", "GET", "/docs/assets/%00", None, 404),
    odd("an asset without end", "GET", f"/docs/assets/{RUN}", None, 404),
    odd("the folder of the assets", "GET", "/docs/assets/.", None, 404),
    odd("users.db", "GET", "/instance/users.db", None, 404),
    odd("a route of others", "POST", "/.git/config", {"a": CANARY}, 404),
]

PARAMETERS = [
    *[
        odd(f"since={value or 'nothing'}", "GET", f"{PULL}?since={value}", None, 400, code="bad_cursor")
        for value in (
            "",
            CANARY,
            "-1",
            "9" * 22,
            "2026-01-09",
            f"{ARABIC}26-01-09T19:01:00Z",
            "%00",
            "%FF",
            "<cursor>%0A",
            "<cursor>~",
            "2026-02-30T00:00:00Z",
            "2026-01-09T19:01:00",
            "~7f3a9c1e",
            "1e3",
        )
    ],
    odd("a cursor of another epoch", "GET", f"{PULL}?since=<cursor>x", None, 410, code="epoch_changed"),
    odd(
        "a cursor from the future",
        "GET",
        f"{PULL}?since=9999-12-31T23:59:59.999999Z~<epoch>",
        None,
        410,
        code="epoch_changed",
    ),
    odd(
        "a push with such a cursor",
        "POST",
        "/sync/changes",
        push(since="9999-12-31T23:59:59.999999Z~<epoch>"),
        410,
        code="epoch_changed",
    ),
    odd("a push with no cursor at all", "POST", "/sync/changes", push(since=CANARY), 400, code="bad_cursor"),
    *[
        odd(f"limit={value[:9] or 'nothing'}", "GET", f"{PULL}?limit={value}", None, 422)
        for value in (
            "0",
            "-1",
            "+1",
            "%2B1",
            "1e3",
            "%201",
            "1%20",
            "1_0",
            "1.0",
            "0x10",
            ARABIC,
            "%C2%B2",
            "%EF%BC%91",
            "10001",
            "9" * 5_000,
            "",
            "true",
            CANARY,
            "1%00",
        )
    ],
    odd("a limit as text in a push", "POST", "/sync/changes", push(limit="x"), 422),
    odd("a limit as true in a push", "POST", "/sync/changes", push(limit=True), 422),
    odd("a limit below nothing in a push", "POST", "/sync/changes", push(limit=-1), 422),
    *[
        odd(f"a parameter twice: {method} {path}?{query}", method, f"{path}?{query}", None, 422)
        for method, path, query in (
            ("GET", PULL, "limit=1&limit=1"),
            ("GET", PULL, "limit=1&%6cimit=2"),
            ("GET", PULL, f"{CANARY}=1&{CANARY}=2"),
            ("GET", "/sync/initial/<tenant>", "entity_types=tags&entity_types=tags"),
            ("GET", "/tenants", "user_id=&user_id="),
            ("GET", "/admin/users", "after=<new>&after=<home>"),
            ("GET", "/admin/tenants", "after=a&after=b"),
            ("DELETE", "/auth/tokens", "others=true&others=false"),
            ("GET", "/healthz", "x=1&x=2"),
            ("GET", "/docs", "a=1&a=2"),
            ("GET", f"{INVITATIONS}", "x=1&x=1"),
            ("DELETE", "/tenants/<tenant>", "sure=1&sure=1"),
        )
    ],
    *[
        odd(f"others={value or 'nothing'}", "DELETE", f"/auth/tokens?others={value}", None, 422)
        for value in ("", "1", "TRUE", "yes", "null", CANARY, "true%00", "%20true")
    ],
    *[
        odd(f"after={value[:16]} at {path}", "GET", f"{path}?after={value}", None, 422)
        for path in ("/admin/users", "/admin/tenants")
        for value in ("", "0", f"urn:uuid:{NIL}", NIL, "'%20OR%201=1", CANARY)
    ],
    odd("a user to list by that is none", "GET", f"/tenants?user_id={CANARY}", None, 422),
    odd("a user to list by as an array", "GET", "/tenants?user_id[]=<home>", None, 200),
    odd("bytes in the query that are no UTF-8", "GET", "/users?\xff", None, 400),
    odd("half a surrogate pair in the query", "POST", "/tenants?\xed\xa0\xbd=1", tenant(), 400),
    odd("an umlaut in the query that is not escaped", "GET", "/users?\xc3\xa4=1", None, 400),
    odd("escaped bytes that are no UTF-8", "GET", "/users?%FF=%ED%A0%BD", None, 200),
    odd("a query of signs", "GET", f"/tenants?{'&' * 2_000}", None, 200),
    odd("a query without end", "GET", f"{PULL}?entity_types={RUN}", None, 200),
    odd(
        "entity types nobody knows", "GET", f"/sync/initial/<tenant>?entity_types={CANARY},%00,sqlite_schema", None, 200
    ),
    odd("a token in the query", "GET", "/users?access_token=<token>", None, 401, token="nobody"),
]

HEADERS = [
    odd("no token", "GET", "/admin/users", None, 401, token="nobody"),
    odd("an empty header", "GET", "/auth/tokens", None, 401, {"Authorization": ""}),
    odd("a token of nobody", "GET", "/users", None, 401, {"Authorization": f"Bearer fw_{CANARY}"}),
    odd("a scheme without a token", "GET", MEMBERS, None, 401, {"Authorization": "Bearer"}),
    odd("a scheme and a space", "GET", MEMBERS, None, 401, {"Authorization": "Bearer "}),
    odd("a token without a scheme", "GET", "/users", None, 401, {"Authorization": "<token>"}),
    odd("another scheme", "DELETE", "/auth/tokens", None, 401, {"Authorization": "Basic <token>"}),
    odd("two tokens", "GET", "/tenants", None, 401, {"Authorization": "Bearer <token>, Bearer <token>"}),
    odd("a token in bytes", "POST", "/tenants", tenant(), 401, {"Authorization": "Bearer \xff\xfe"}),
    odd("a token without end", "POST", "/sync/changes", push(), 401, {"Authorization": f"Bearer {RUN}"}),
    odd("a token in a cookie", "GET", "/users", None, 401, {"Cookie": "token=<token>"}, token="nobody"),
    odd("a user named by a header", "GET", "/users", None, 401, {"Finwiseuser": "<home email>"}, token="nobody"),
    odd(
        "a login named by a header",
        "POST",
        "/auth/tokens",
        {"device_name": "a"},
        422,
        {"Finwiseuser": "<home email>"},
        token="nobody",
    ),
    odd("a revoked token", "POST", "/invitations/accept", {"code": "<code>"}, 401, token="revoked"),
    odd("a scheme in small letters", "GET", "/users", None, 200, {"Authorization": "bearer <token>"}),
    odd("another tenant in the header", "GET", PULL, None, 400, {"X-Tenant-ID": "<other tenant>"}),
    odd("no tenant in the header", "GET", PULL, None, 400, {"X-Tenant-ID": ""}),
    odd("a canary in the header", "POST", "/sync/changes", push(), 400, {"X-Tenant-ID": CANARY}),
    odd(
        "two tenants in the header",
        "GET",
        "/sync/initial/<tenant>",
        None,
        400,
        {"X-Tenant-ID": "<tenant>, <other tenant>"},
    ),
    odd(
        "a tenant in the header only, and none", "POST", "/sync/changes", push(tenant_id=...), 404, {"X-Tenant-ID": NIL}
    ),
    odd("a tenant nowhere", "POST", "/sync/changes", push(tenant_id=...), 400),
    odd("the same tenant in capitals", "GET", PULL, None, 200, {"X-Tenant-ID": "<TENANT>"}),
    odd("a page for a pull", "GET", PULL, None, 406, {"Accept": "text/html"}),
    odd("a canary for a push", "POST", "/sync/changes", push(), 406, {"Accept": f"text/{CANARY}"}),
    odd("no JSON at all", "GET", CONFLICTS, None, 406, {"Accept": "application/json;q=0"}),
    odd("a picture of a conflict", "POST", DECIDE, {}, 406, {"Accept": "image/*"}),
    odd("an export as a document", "GET", "/tenants/<tenant>/export", None, 406, {"Accept": "application/pdf"}),
    odd("signs that accept nothing", "GET", "/sync/initial/<tenant>", None, 406, {"Accept": ";;;,=,q"}),
    odd("an Accept without end", "GET", PULL, None, 406, {"Accept": ",".join(["a/b"] * 3_000)}),
    odd("any version", "GET", PULL, None, 304, {"If-None-Match": "*"}),
    odd("half a version", "GET", PULL, None, 200, {"If-None-Match": 'W/"x'}),
    odd("versions without end", "GET", "/sync/initial/<tenant>", None, 200, {"If-None-Match": '"x",' * 2_000}),
    odd("a version a page has not", "GET", ASSET, None, 412, {"If-Match": '"x"'}),
    odd(
        "a page unchanged since 1970",
        "GET",
        "/static/docs.js",
        None,
        200,
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:01 GMT"},
    ),
    odd("a time that is none", "GET", ASSET, None, 200, {"If-Modified-Since": CANARY}),
    odd("a range beyond the end", "GET", ASSET, None, 416, {"Range": "bytes=99999999-"}),
    odd("ranges the wrong way round", "GET", ASSET, None, 416, {"Range": "bytes=9-1"}),
    odd("many ranges", "GET", ASSET, None, 416, {"Range": "bytes=" + ",".join(["0-1"] * 2_000)}),
    odd("a range of what has none", "GET", PULL, None, 200, {"Range": "bytes=0-1"}),
    odd("another host", "GET", "/tenants", None, 200, {"Host": "evil.example"}),
    odd("half a host", "GET", "/nowhere", None, 404, {"Host": "[::1"}),
    odd("a host with a path", "POST", "/sync/changes", push(limit=0), 422, {"Host": f"evil.example/{CANARY}?"}),
    odd("no host", "GET", "/tenants/<new>", None, 404, {"Host": ""}),
    odd(
        "a host that forwards", "GET", "//x", None, 404, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "x"}
    ),
    odd("an origin", "GET", "/nowhere", None, 404, {"Origin": f"https://{CANARY}.example"}),
    odd("no origin", "POST", "/tenants", "{", 422, {"Origin": "null"}),
    odd("an expectation", "POST", "/tenants", "{", 422, {"Expect": CANARY}),
    odd("an upgrade", "GET", "/nowhere", None, 404, {"Upgrade": "websocket", "Connection": "Upgrade"}),
]

METHODS = [
    odd("a method in small letters", "get", "/users", None, 200),
    odd("a slash behind a monitor's route", "GET", "/readyz/", None, 200),
    *[
        odd(f"{method[:9]} at {path}", method, path, None, 405)
        for method, path in (
            ("PUT", "/users"),
            ("TRACE", "/users"),
            ("CONNECT", "/tenants"),
            ("PROPFIND", "/tenants/<tenant>"),
            ("X" * 2_000, "/tenants"),
            (CANARY.upper(), "/auth/tokens"),
            ("DELETE", MEMBERS),
            ("POST", f"{MEMBERS}/<editor>"),
            ("PUT", INVITATIONS),
            ("PATCH", f"{INVITATIONS}/<new>"),
            ("GET", "/invitations/accept"),
            ("DELETE", "/admin/users"),
            ("GET", "/admin/users/<home>"),
            ("GET", "/admin/invitations"),
            ("DELETE", "/admin/tenants/<tenant>"),
            ("PATCH", "/auth/tokens"),
            ("GET", "/sync/changes"),
            ("POST", PULL),
            ("POST", "/tenants/<tenant>/export"),
            ("DELETE", "/healthz"),
            ("POST", "/readyz"),
            ("POST", "/openapi.json"),
            ("POST", "/"),
            ("PUT", "/docs"),
        )
    ],
    odd(
        "another method in a header",
        "POST",
        "/tenants/<tenant>",
        {"name": "a"},
        405,
        {"X-HTTP-Method-Override": "DELETE"},
    ),
    odd("HEAD of what is gone", "HEAD", "/tenants/<gone>", None, 410),
    odd("HEAD of what never was", "HEAD", "/nowhere", None, 404),
    odd("OPTIONS without a token", "OPTIONS", "/admin/users", None, 401, token="nobody"),
]

ROLES = [
    odd("a push by a viewer", "POST", "/sync/changes", push(), 403, token="viewer"),
    odd("a push by a reading script", "POST", "/sync/changes", push(), 403, token="reader"),
    odd("an invitation by a script", "POST", INVITATIONS, {"role": "viewer"}, 403, token="script"),
    odd("a code taken by a script", "POST", "/invitations/accept", {"code": "<code>"}, 403, token="script"),
    odd("a device renamed by a script", "PATCH", f"/auth/tokens/{NIL}", {"device_name": "a"}, 403, token="script"),
    odd("logging out everywhere by a script", "DELETE", "/auth/tokens", None, 403, token="reader"),
    odd("an import by an editor", "POST", "/tenants/<tenant>/import", {"tags": []}, 403, token="editor"),
    odd("an import of a list", "POST", "/tenants/<tenant>/import", f'["{CANARY}"]', 422),
    odd("a reset by an editor", "POST", "/tenants/<tenant>/reset", {"name": "a"}, 403, token="editor"),
    odd("a reset of another name", "POST", "/tenants/<tenant>/reset", {"name": CANARY}, 422),
    odd("administration by a script", "POST", "/admin/invitations", None, 403, token="script"),
    odd("administration by an editor", "GET", "/admin/tenants", None, 403, token="editor"),
    odd("a quota by an editor", "PATCH", QUOTA, {"quota_mib": 1}, 403, token="editor"),
    odd("administration by another", "PATCH", "/admin/users/<other>", {"is_admin": True}, 403, token="other"),
    odd("the owner made an editor", "PATCH", f"{MEMBERS}/<home>", {"role": "editor"}, 409),
    odd("the owner removed", "DELETE", f"{MEMBERS}/<home>", None, 409),
    odd("a stranger as the owner", "PATCH", f"{MEMBERS}/<other>", {"role": "owner"}, 404),
    odd("oneself as the owner", "PATCH", f"{MEMBERS}/<editor>", {"role": "owner"}, 403, token="editor"),
    odd("a viewer removed by an editor", "DELETE", f"{MEMBERS}/<viewer>", None, 403, token="editor"),
    odd("invitations seen by an editor", "GET", INVITATIONS, None, 403, token="editor"),
    odd("a code nobody gave", "POST", "/invitations/accept", {"code": f"fwi_{CANARY}"}, 404),
    odd(
        "a code for those who sign up", "POST", "/invitations/accept", {"code": "<code to sign up>"}, 404, token="other"
    ),
    odd("signing up with a code nobody gave", "POST", "/users", user(invitation=f"fwi_{CANARY}"), 404),
    odd(
        "a code for somebody who is already a member",
        "POST",
        "/invitations/accept",
        {"code": "<code>"},
        409,
        token="viewer",
    ),
    odd("the last administrator", "PATCH", "/admin/users/<home>", {"is_admin": False}, 409),
    odd("an owner of a shared book deleted", "DELETE", "/admin/users/<home>", None, 409),
    odd("oneself deleted, with a shared book", "DELETE", "/users/<home>", None, 409),
    odd("another deleted", "DELETE", "/users/<other>", None, 404),
    odd("another's invitation", "DELETE", f"{INVITATIONS}/<new>", None, 404),
    odd("a wrong password", "POST", "/auth/tokens", login(password=f"x{CANARY}"), 401),
    odd("an e-mail nobody has", "POST", "/auth/tokens", login(email=f"{CANARY}@b.c"), 401),
]

CASES = [*JSON, *MEDIA, *TYPES, *ASSIGNED, *IDS, *PATHS, *PARAMETERS, *HEADERS, *METHODS, *ROLES]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One installation for the whole table: a refusal leaves nothing behind, as each row makes sure."""
    made = World(tmp_path_factory.mktemp("odd"), random.Random(1))
    yield made
    made.close()


def filled(world: World, text: str) -> str:
    """The text with what the names in it stand for."""
    names = {
        "home": world.home.id,
        "HOME": world.home.id.upper(),
        "home email": world.home.user.email,
        "other": world.other.id,
        "editor": world.editor.id,
        "viewer": world.viewer.id,
        "other email in capitals": world.other.user.email.upper(),
        "other email in full width": "".join(
            chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in world.other.user.email
        ),
        "tenant": world.home.tenant_id,
        "TENANT": world.home.tenant_id.upper(),
        "other tenant": world.other.tenant_id,
        "gone": world.gone,
        "cursor": world.cursor,
        "epoch": world.cursor.partition("~")[2],
        "token": world.home.token,
    }
    makers: dict[str, Callable[[], str]] = {
        "new": world.uuid,
        "conflict": world.conflict,
        "email": world.email,
        "code": lambda: world.code("viewer"),
        "code to sign up": lambda: world.code(None),
    }
    for name, value in names.items():
        text = text.replace(f"<{name}>", value)
    for name, make in makers.items():
        if f"<{name}>" in text:
            text = text.replace(f"<{name}>", make())
    return text


def sent(world: World, case: Odd) -> Sent:
    """The request of a row, as a WSGI server would hand it over: its path unescaped, what is no ASCII as bytes."""
    path, _, query = filled(world, case.path).partition("?")
    tokens = {"home": world.home, "other": world.other, "editor": world.editor, "viewer": world.viewer}
    by_name = {name: person.token for name, person in tokens.items()} | {
        "script": world.script,
        "reader": world.reader,
        "revoked": world.revoked,
        "nobody": "",
    }
    environ: dict[str, str | None] = {"HTTP_USER_AGENT": CANARY, "HTTP_REFERER": CANARY, "HTTP_X_REQUEST_ID": CANARY}
    environ |= with_token(by_name[case.token])
    body = case.body
    if body is not None:
        environ["CONTENT_TYPE"] = "application/json"
    if isinstance(body, dict):
        body = json.dumps(body, ensure_ascii=False)
    if isinstance(body, str):
        body = filled(world, body).encode()
    for name, value in case.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key.startswith("CONTENT_") and key != "CONTENT_ENCODING" else f"HTTP_{key}"
        environ[key] = None if value is None else filled(world, value)
    given = {name: value for name, value in environ.items() if value is not None}
    wire_path = unquote_to_bytes(path).decode("latin-1")
    return Sent(case.name, case.method, wire_path, query, given, body or b"")


def route(world: World, request: Sent) -> str:
    """The route that a request reaches, if it reaches one."""
    urls = world.client.application.url_map.bind("localhost")
    try:
        rule, _ = urls.match(request.path, request.method, return_rule=True)
    except HTTPException:
        return ""
    return f"{request.method} {rule.rule}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_odd_request_is_answered_as_the_table_says_and_a_refusal_leaves_no_trace(world: World, case: Odd) -> None:
    request = sent(world, case)
    before = world.files.held()
    answer = world.send(request)
    assert answer.status_code == case.status, answer.text
    if case.status < 400:
        return
    if case.method == "HEAD":
        assert answer.data == b""
    else:
        assert_problem(answer, case.status, case.code)
    told = f"{answer.text}{answer.headers}".lower()
    assert not [mark for mark in MARKS if mark in told]
    assert world.files.held() == before


def test_the_table_is_long_and_each_row_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_route_that_is_documented_is_in_the_table(world: World) -> None:
    reached = {route(world, sent(world, case)) for case in CASES}
    document = world.ask("GET", "/openapi.json").get_json()
    documented = {
        f"{method.upper()} {path}".replace("{", "<").replace("}", ">")
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert documented - reached == set()
