"""Ways to log in, guessing and flooding, against the server that is shipped: it has its own way with headers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from harness.server import Server
from tests.household import PASSWORD, change, new_id

MYSELF = "127.0.0.1/32"
ADA, EVE = "ada@example.org", "eve@example.org"

Headers = list[tuple[str, str]]


def log_in(server: Server, headers: Headers | None = None, **members: Any) -> httpx.Response:
    """On a connection of its own, which any process of the server may take."""
    return httpx.post(f"{server.url}/auth/tokens", json={"device_name": "test"} | members, headers=headers, timeout=60)


def sign_up(server: Server) -> dict[str, Any]:
    """E-mail and password of somebody who is there from then on."""
    login = {"email": f"{new_id()}@example.org", "password": PASSWORD}
    answer = httpx.post(f"{server.url}/users", json={"uuid": new_id(), "name": "Ada"} | login, timeout=60)
    assert answer.status_code == 201, answer.text
    return login


def guess(server: Server, headers: Headers | None = None) -> int:
    return log_in(server, headers, email="nobody@example.org", password="wrong password").status_code


@pytest.fixture(scope="module")
def naming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose users are named by a proxy on this machine; Ada and Eve are there."""
    environment = {"FINWISE_LOGIN": "header", "FINWISE_TRUSTED_PROXIES": MYSELF, "FINWISE_WORKERS": "1"}
    with Server(tmp_path_factory.mktemp("naming"), **environment) as running:
        for email in (ADA, EVE):
            assert log_in(running, [("Finwiseuser", email)]).status_code == 201
        yield running


# ---- a proxy names the user ----


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        pytest.param([("Finwiseuser", ADA)], ADA, id="the name"),
        pytest.param([("FINWISEUSER", ADA)], ADA, id="in capitals"),
        pytest.param([("finwiseuser", ADA)], ADA, id="in small letters"),
        pytest.param([("Finwise-user", ADA)], None, id="with a dash"),
        pytest.param([("Finwise_user", ADA)], None, id="with a low line"),
        pytest.param([("Finwiseuser-", ADA)], None, id="with a dash at its end"),
        pytest.param([("Finwiseuser_", ADA)], None, id="with a low line at its end"),
        pytest.param([("_Finwiseuser", ADA)], None, id="with a low line before it"),
        pytest.param([("HTTP_FINWISEUSER", ADA)], None, id="as the application calls it"),
        pytest.param([("Finwiseuser", ADA), ("Finwise-user", EVE)], ADA, id="the name, then a dash"),
        pytest.param([("Finwise-user", EVE), ("Finwiseuser", ADA)], ADA, id="a dash, then the name"),
        pytest.param([("Finwiseuser", ADA), ("Finwise_user", EVE)], ADA, id="the name, then a low line"),
        pytest.param([("Finwise_user", EVE), ("Finwiseuser", ADA)], ADA, id="a low line, then the name"),
        pytest.param([("Finwiseuser", ADA), ("Finwiseuser", EVE)], None, id="twice"),
        pytest.param([("Finwiseuser", EVE), ("FINWISEUSER", ADA)], None, id="twice, in other letters"),
        pytest.param([("Finwiseuser", ADA), ("Finwiseuser", ADA)], None, id="twice the same"),
        pytest.param([("Finwiseuser", ""), ("Finwiseuser", ADA)], None, id="once empty"),
        pytest.param([("Remote-User", ADA), ("X-Remote-User", ADA)], None, id="other usual names"),
        pytest.param([("Finwiseuser", "")], None, id="empty"),
        pytest.param([("Finwiseuser", "ada\t@example.org")], None, id="a tabulator"),
        pytest.param([("Finwiseuser", f"<{ADA}>")], None, id="angle brackets"),
        pytest.param([("Finwiseuser", f"Ada <{ADA}>")], None, id="with a name"),
        pytest.param([("Finwiseuser", "a@b@c")], None, id="two at signs"),
        pytest.param([("Finwiseuser", "ada")], None, id="no address"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_the_header_of_exactly_that_name_given_once_names_the_user(
    naming: Server, headers: Headers, named: str | None
) -> None:
    answer = log_in(naming, headers)
    if named:
        assert (answer.status_code, answer.json()["user"]["email"]) == (201, named)
    else:
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_peer_that_is_no_trusted_proxy_names_nobody(tmp_path: Path) -> None:
    environment = {
        "FINWISE_LOGIN": "header",
        "FINWISE_TRUSTED_PROXIES": "192.0.2.1/32",
        "FINWISE_PROXY_HOPS": "1",
        "FINWISE_WORKERS": "1",
    }
    with Server(tmp_path, **environment) as server:
        for claimed in ([], [("X-Forwarded-For", "192.0.2.1")], [("X_Forwarded_For", "192.0.2.1")]):
            answer = log_in(server, [("Finwiseuser", ADA), *claimed])
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


# ---- one person on this machine ----


def test_one_person_on_this_machine_logs_in_by_nothing_and_no_page_from_elsewhere_does(tmp_path: Path) -> None:
    with Server(tmp_path, FINWISE_LOGIN="none", FINWISE_WORKERS="1") as server:
        users = [log_in(server).json()["user"] for _ in range(2)]
        assert users[0] == users[1]
        assert users[0]["is_admin"] is True
        for refused in ("X-Forwarded-For", "X_Forwarded_For", "Forwarded", "Via"):
            assert log_in(server, [(refused, "127.0.0.1")]).status_code == 403
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example"):
            answer = log_in(server, [("Host", host)])
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert log_in(server, [("Host", f"localhost:{server.port}")]).status_code == 201


# ---- guessing and flooding ----


def test_guesses_are_counted_by_all_processes_together(tmp_path: Path) -> None:
    with Server(tmp_path, FINWISE_WORKERS="2", FINWISE_LOGIN_FAILURES="5") as server:
        assert sorted(guess(server) for _ in range(20)) == [401] * 5 + [429] * 15


def test_a_client_behind_a_proxy_is_counted_where_the_proxy_saw_it(tmp_path: Path) -> None:
    environment = {"FINWISE_TRUSTED_PROXIES": MYSELF, "FINWISE_PROXY_HOPS": "1", "FINWISE_LOGIN_FAILURES": "2"}
    with Server(tmp_path, **environment, FINWISE_WORKERS="1") as server:
        made_up = [[("X-Forwarded-For", f"198.51.100.{number}, 192.0.2.1")] for number in range(3)]
        assert [guess(server, headers) for headers in made_up] == [401, 401, 429]
        in_a_line_of_its_own = [("X-Forwarded-For", "198.51.100.9"), ("X-Forwarded-For", "192.0.2.1")]
        assert guess(server, in_a_line_of_its_own) == 429
        assert guess(server, [("X-Forwarded-For", "192.0.2.2")]) == 401


def test_however_many_log_in_at_once_pulls_are_answered(tmp_path: Path) -> None:
    with Server(tmp_path, FINWISE_WORKERS="1", FINWISE_THREADS="2", FINWISE_LOGIN_FAILURES="1000") as server:
        login, tenant_id = sign_up(server), new_id()
        token = log_in(server, **login).json()["token"]
        statuses: set[int] = set()
        sent_away, stopped = Event(), Event()

        def log_in_again_and_again() -> None:
            while not stopped.is_set():
                statuses.add(log_in(server, **login).status_code)
                if 503 in statuses:
                    sent_away.set()

        with ExitStack() as stack:
            authorization = {"Authorization": f"Bearer {token}"}
            device = stack.enter_context(httpx.Client(base_url=server.url, headers=authorization, timeout=60))
            made = device.post("/tenants", json={"uuid": tenant_id, "name": "Home"})
            pushed = device.post("/sync/changes", json={"tenant_id": tenant_id, "changes": [change("t1")]})
            assert (made.status_code, pushed.status_code) == (201, 200)
            burst = [Thread(target=log_in_again_and_again) for _ in range(8)]
            for each in burst:
                each.start()
                stack.callback(each.join)
            stack.callback(stopped.set)
            assert sent_away.wait(60), "one hash at a time may wait here, the other thread is for the devices"
            for _ in range(30):
                pulled = device.get(f"/sync/changes/{tenant_id}")
                assert (pulled.status_code, len(pulled.json()["changes"])) == (200, 1)
        assert statuses <= {201, 429, 503}, "who sends too many at once from one address is told that"
