"""Nothing of a request outlives its answer, whatever the answer is: memory does not wait for the garbage collector."""

import gc
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from finwise.api import errors
from finwise.api import request as requests
from finwise.domain import json_text
from finwise.errors import Busy, QuotaExceeded, SlowDown, TenantDeleted
from tests.household import PASSWORD, Household, change, new_id

Made = dict[str, Any]


class Environ(dict[str, Any]):
    """The environment of a request, which can be watched."""


def asked(method: str, path: str, body: Any = b"", token: str | None = None, **headers: str) -> Environ:
    """The environment of a request; `body` may be what becomes JSON."""
    path, _, query = path.partition("?")
    sent = body if isinstance(body, bytes) else json_text.write(body).encode()
    given = Headers({"Content-Type": "application/json"})
    if token:
        given["Authorization"] = f"Bearer {token}"
    for name, value in headers.items():
        given[name.replace("_", "-")] = value
    builder = EnvironBuilder(path, query_string=query, method=method, data=sent, headers=given)
    try:
        return Environ(builder.get_environ())
    finally:
        builder.close()


def answered(app: Flask, environ: Environ) -> int:
    """The status of the answer, which is read to its end and closed."""
    statuses: list[str] = []
    answer = app.wsgi_app(environ, lambda status, headers, *error: statuses.append(status))  # type: ignore[arg-type]
    for _ in answer:
        pass
    if hasattr(answer, "close"):
        answer.close()
    return int(statuses[0].split()[0])


def push(home: Household, *changes: Any, tenant_id: str | None = None, **more: Any) -> Made:
    return {"tenant_id": tenant_id or home.tenant_id, "changes": list(changes)} | more


REQUESTS: dict[str, tuple[int, Callable[[Household], Environ]]] = {
    "a push": (200, lambda home: asked("POST", "/sync/changes", push(home, change("a")), home.token)),
    "a push with a rejected change": (200, lambda home: asked("POST", "/sync/changes", push(home, 1), home.token)),
    "a pull": (200, lambda home: asked("GET", f"/sync/changes/{home.tenant_id}", token=home.token)),
    "a pull that Flask answers": (
        200, lambda home: asked("GET", f"/sync/changes/{home.tenant_id}/", token=home.token),
    ),
    "a first load": (200, lambda home: asked("GET", f"/sync/initial/{home.tenant_id}", token=home.token)),
    "the list of books": (200, lambda home: asked("GET", "/tenants", token=home.token)),
    "a log-in": (201, lambda home: asked("POST", "/auth/tokens", _login(home, PASSWORD))),
    "a pull with the tag it has": (
        304,
        lambda home: asked("GET", f"/sync/changes/{home.tenant_id}", token=home.token, If_None_Match=_tag(home)),
    ),
    "no cursor": (400, lambda home: asked("GET", f"/sync/changes/{home.tenant_id}?since=x", token=home.token)),
    "a push without a token": (401, lambda home: asked("POST", "/sync/changes", push(home, change()))),
    "a pull without a token": (401, lambda home: asked("GET", f"/sync/changes/{home.tenant_id}")),
    "a wrong password": (401, lambda home: asked("POST", "/auth/tokens", _login(home, "wrong word"))),
    "an administrator's route": (403, lambda home: asked("GET", "/admin/users", token=_other(home))),
    "a tenant that never was": (
        404, lambda home: asked("POST", "/sync/changes", push(home, change(), tenant_id=new_id()), home.token),
    ),
    "a pull from a tenant that never was": (
        404, lambda home: asked("GET", f"/sync/changes/{new_id()}", token=home.token),
    ),
    "no route": (404, lambda home: asked("POST", "/nowhere", b"x" * 1000)),
    "no method": (405, lambda home: asked("PUT", "/sync/changes", b"x" * 1000, home.token)),
    "no representation": (
        406, lambda home: asked("GET", f"/sync/changes/{home.tenant_id}", token=home.token, Accept="image/png"),
    ),
    "a name that is taken": (409, lambda home: asked("POST", "/tenants", _taken(home), home.token)),
    "another life": (
        410, lambda home: asked("POST", "/sync/changes", push(home, since="2026-01-09T19:01:02.139001Z~0"), home.token),
    ),
    "a small body that is large": (413, lambda home: asked("POST", "/auth/tokens", b" " * 20_000)),
    "a large body": (413, lambda home: asked("POST", "/sync/changes", b" " * (9 << 20), home.token)),
    "no JSON by its name": (
        415, lambda home: asked("POST", "/sync/changes", push(home), home.token, Content_Type="text/plain"),
    ),
    "no JSON": (422, lambda home: asked("POST", "/sync/changes", b"{", home.token)),
    "no envelope": (422, lambda home: asked("POST", "/sync/changes", b"[]", home.token)),
    "a form with mistakes": (422, lambda home: asked("POST", "/auth/tokens", {})),
}  # fmt: skip


def _login(home: Household, password: str) -> Made:
    return {"email": home.email, "password": password, "device_name": "phone"}


def _tag(home: Household) -> str:
    return str(home.get(f"/sync/changes/{home.tenant_id}").headers["ETag"])


def _other(home: Household) -> str:
    return str(Household(home.client).token)


def _taken(home: Household) -> Made:
    other = Household(home.client)
    other.create()
    return {"uuid": other.tenant_id, "name": "Home"}


@pytest.fixture
def without_collector() -> Iterator[None]:
    """What is freed meanwhile is freed because nothing holds it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_freed_with_its_answer(name: str, home: Household, app: Flask, without_collector: None) -> None:
    status, make = REQUESTS[name]
    assert freed(app, lambda: make(home)) == status


def freed(app: Flask, make: Callable[[], Environ]) -> int:
    """The status of the answer to a request that is gone with it."""
    environ = make()
    watched = weakref.ref(environ)
    status = answered(app, environ)
    del environ
    assert watched() is None
    return status


TROUBLE = {
    410: TenantDeleted(),
    429: SlowDown("Wait.", retry_after=1),
    500: ZeroDivisionError(),
    503: Busy("Somebody writes."),
    507: QuotaExceeded("It is full."),
}


@pytest.mark.parametrize("status", TROUBLE)
@pytest.mark.parametrize("accept", ["application/json", "application/*"])
def test_a_request_that_meets_trouble_is_freed_with_its_answer(
    status: int, accept: str, home: Household, app: Flask, monkeypatch: pytest.MonkeyPatch, without_collector: None
) -> None:
    class Sync:
        def push(self, *given: Any) -> None:
            raise TROUBLE[status]

    domain = app.extensions["finwise"]
    monkeypatch.setattr(type(domain.sync), "push", Sync.push)
    monkeypatch.setattr(errors.log, "disabled", True)  # pytest would keep the record of the 500, and with it all
    asks = partial(asked, "POST", "/sync/changes", push(home, change()), home.token, Accept=accept)
    assert freed(app, asks) == status


def test_nothing_of_a_strangers_query_is_remembered(home: Household, app: Flask) -> None:
    before = requests._parse_once.cache_info().currsize
    for number in range(20):
        query = f"since=2026-01-09T19:01:02.{number:06}Z"
        assert answered(app, asked("GET", f"/sync/changes/{home.tenant_id}?{query}")) == 401
        assert answered(app, asked("GET", f"/sync/changes/{home.tenant_id}?{query}", token="fw_wrong")) == 401
    assert requests._parse_once.cache_info().currsize == before


def test_a_long_query_is_answered_and_not_remembered(home: Household, app: Flask) -> None:
    query = "entity_types=" + ",".join(["tags"] * 1_000)
    before = requests._parse_once.cache_info().currsize
    assert answered(app, asked("GET", f"/sync/changes/{home.tenant_id}?{query}", token=home.token)) == 200
    assert requests._parse_once.cache_info().currsize == before


def test_a_stranger_may_send_little_and_a_member_little_but_pushes(home: Household, app: Flask) -> None:
    cheap = b"[" + b"[]," * 300_000 + b"[]]"
    for method, path in (("POST", "/users"), ("POST", "/auth/tokens"), ("POST", "/tenants")):
        assert answered(app, asked(method, path, cheap, home.token)) == 413
    assert answered(app, asked("POST", "/sync/changes", cheap, home.token)) == 422
