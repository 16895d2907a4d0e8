"""Members of bodies that are of another type, or not for the client to set."""

from __future__ import annotations

from harness.requests.world import CANARY, PASSWORD
from tests.api.odd.case import DECIDE, INVITATIONS, MEMBERS, NIL, QUOTA, RUN, login, odd, push, tenant, user

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
