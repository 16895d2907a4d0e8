"""Paths, ids in them, and parameters that are odd."""

from __future__ import annotations

from harness.requests.world import CANARY
from tests.api.odd.case import (
    ARABIC,
    CONFLICTS,
    FULL_WIDTH,
    INVITATIONS,
    MEMBERS,
    NIL,
    PULL,
    RUN,
    login,
    odd,
    push,
    tenant,
    user,
)

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
