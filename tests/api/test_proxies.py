"""Ways to log in other than by password, and what is believed of those in front of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app
from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.users import NewUser
from finwise.store.users import UserStore
from harness.problems import assert_problem
from tests.conftest import Clock, settings_in
from tests.household import PASSWORD, new_id
from tests.store.files import value

PROXY, ELSEWHERE = "10.0.0.1", "203.0.113.9"
NAMED = "Finwiseuser"

Opened = Callable[..., FlaskClient]


@pytest.fixture
def opened(settings: Settings, clock: Clock) -> Iterator[Opened]:
    """Clients of applications with other settings than the default ones."""
    apps: list[Flask] = []

    def open_with(**chosen: Any) -> FlaskClient:
        apps.append(create_app(replace(settings, **chosen), clock))
        return apps[-1].test_client()

    yield open_with
    for app in apps:
        app.extensions["finwise"].close()


@pytest.fixture
def behind(opened: Opened) -> FlaskClient:
    """A client of a server that lets a proxy at `PROXY` name the users."""
    return opened(login="header", trusted_proxies=PROXY)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """As `behind`, one for all tests in which nobody gets in; Ada is there."""
    client = client_of_its_own(tmp_path_factory, login="header", trusted_proxies=PROXY)
    add(client, "ada@example.org")
    return client


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of a server for one person, one for all tests that leave nothing behind."""
    return client_of_its_own(tmp_path_factory, login="none")


def client_of_its_own(tmp_path_factory: pytest.TempPathFactory, **chosen: str) -> FlaskClient:
    settings = settings_in(tmp_path_factory.mktemp("proxies"))
    return create_app(replace(settings, **chosen)).test_client()  # type: ignore[arg-type] # all of them are text


def log_in(
    client: FlaskClient,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    peer: str = PROXY,
    host: str | None = None,
    **members: Any,
) -> TestResponse:
    given = list(headers.items()) if isinstance(headers, dict) else headers or []
    return client.post(
        "/auth/tokens",
        json={"device_name": "test"} | members,
        headers=given + ([("Host", host)] if host else []),
        environ_overrides={"REMOTE_ADDR": peer},
    )


def add(client: FlaskClient, email: str, password: str | None = None) -> str:
    """A user on the operator's word."""
    domain: Domain = client.application.extensions["finwise"]
    return domain.users.add(NewUser(new_id(), "Ada", email, password), 0).uuid


# ---- a proxy names the user ----


def test_the_user_whom_the_trusted_proxy_names_gets_a_token(behind: FlaskClient) -> None:
    user_id = add(behind, "ada@example.org")
    answer = log_in(behind, {NAMED: "ada@example.org"})
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["user"]["uuid"] == user_id
    with_token = {"Authorization": f"Bearer {answer.get_json()['token']}"}
    assert behind.get("/users", headers=with_token).get_json()[0]["uuid"] == user_id


def test_an_e_mail_spelled_otherwise_names_the_same_user(behind: FlaskClient) -> None:
    user_id = add(behind, "ada@example.org")
    assert log_in(behind, {NAMED: " Ada@Example.ORG "}).get_json()["user"]["uuid"] == user_id


def on_the_wire(text: str) -> str:
    """A header's value in UTF-8, as WSGI hands its bytes over."""
    return text.encode().decode("latin-1")


def test_an_e_mail_in_either_unicode_form_is_read_as_utf_8(behind: FlaskClient) -> None:
    user_id = add(behind, "j\u00fcrgen@example.org")
    for spelled in ("j\u00fcrgen@example.org", "ju\u0308rgen@example.org", "\u00a0j\u00fcrgen@example.org"):
        assert log_in(behind, {NAMED: on_the_wire(spelled)}).get_json()["user"]["uuid"] == user_id


def test_a_proxy_at_the_mapped_form_of_its_address_is_believed(behind: FlaskClient) -> None:
    assert log_in(behind, {NAMED: "ada@example.org"}, peer=f"::ffff:{PROXY}").status_code == 201


@pytest.mark.parametrize("hops", [0, 1, 2])
def test_another_peer_is_refused_whatever_it_sends(opened: Opened, hops: int) -> None:
    client = opened(login="header", trusted_proxies=PROXY, proxy_hops=hops)
    add(client, "ada@example.org", PASSWORD)
    for claimed in (
        {},
        {"X-Forwarded-For": PROXY},
        {"X-Forwarded-For": f"{PROXY}, {PROXY}, {PROXY}"},
        {"Forwarded": f"for={PROXY}"},
        {"X-Real-IP": PROXY},
        {"X-Forwarded-Host": PROXY, "X-Forwarded-For": PROXY, "Remote-Addr": PROXY},
    ):
        answer = log_in(client, {NAMED: "ada@example.org"} | claimed, peer=ELSEWHERE)
        assert_problem(answer, 403, "forbidden")


@pytest.mark.parametrize("peer", ["", "nonsense", "10.0.0.2", "10.0.0.1.example.org", "::1", "::10.0.0.1"])
def test_only_the_exact_address_is_a_trusted_one(refusing: FlaskClient, peer: str) -> None:
    assert_problem(log_in(refusing, {NAMED: "ada@example.org"}, peer=peer), 403, "forbidden")


def test_the_proxy_is_known_by_its_own_address_not_by_that_of_the_client(opened: Opened) -> None:
    client = opened(login="header", trusted_proxies=PROXY, proxy_hops=1)
    answer = log_in(client, {NAMED: "ada@example.org", "X-Forwarded-For": ELSEWHERE})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="missing"),
        pytest.param([(NAMED, "")], id="empty"),
        pytest.param([(NAMED, "   ")], id="blank"),
        pytest.param([(NAMED, "ada")], id="no at sign"),
        pytest.param([(NAMED, "@example.org")], id="nothing before the at sign"),
        pytest.param([(NAMED, "ada@")], id="nothing after the at sign"),
        pytest.param([(NAMED, "ada@example.org"), (NAMED, "eve@example.org")], id="doubled"),
        pytest.param([(NAMED, "eve@example.org"), (NAMED, "ada@example.org")], id="doubled in the other order"),
        pytest.param([(NAMED, "ada@example.org"), (NAMED, "ada@example.org")], id="doubled and equal"),
        pytest.param([(NAMED, "ada@example.org,eve@example.org")], id="a comma"),
        pytest.param([(NAMED, "ada@example.org,")], id="a comma at the end"),
        pytest.param([(NAMED, "ada\t@example.org")], id="a tabulator"),
        pytest.param([(NAMED, "<ada@example.org>")], id="angle brackets"),
        pytest.param([(NAMED, "Ada <ada@example.org>")], id="a name as well"),
        pytest.param([(NAMED, "ada@example.org@example.org")], id="two at signs"),
        pytest.param([(NAMED, on_the_wire("ada\u202e@example.org"))], id="a right-to-left mark"),
        pytest.param([(NAMED, "j\u00fcrgen@example.org")], id="no UTF-8"),
        pytest.param([(NAMED, "ada\x01@example.org")], id="a control character"),
        pytest.param([(NAMED, "ada\x85@example.org")], id="a control character above ASCII"),
        pytest.param([(NAMED, "a" * 243 + "@example.org")], id="255 characters"),
        pytest.param([("Remote-User", "ada@example.org")], id="another header"),
        pytest.param([("Finwise-User", "ada@example.org")], id="a header with a dash"),
        pytest.param([("X-Finwiseuser", "ada@example.org")], id="a header with a longer name"),
    ],
)
def test_without_exactly_one_e_mail_nobody_is_named(refusing: FlaskClient, headers: list[tuple[str, str]]) -> None:
    assert_problem(log_in(refusing, headers), 401, "unauthorized")


def test_the_header_has_the_name_that_the_settings_give_it(opened: Opened) -> None:
    client = opened(login="header", trusted_proxies=PROXY, login_header="Xwho")
    assert log_in(client, {"Xwho": "ada@example.org"}).status_code == 201
    assert log_in(client, {NAMED: "ada@example.org"}).status_code == 401


def test_an_e_mail_and_a_password_name_nobody_where_the_proxy_does(behind: FlaskClient) -> None:
    add(behind, "ada@example.org", PASSWORD)
    user_id = add(behind, "eve@example.org", PASSWORD)
    ada: dict[str, Any] = {"email": "ada@example.org", "password": PASSWORD}
    assert_problem(log_in(behind, **ada), 401, "unauthorized")
    assert_problem(log_in(behind, peer=ELSEWHERE, **ada), 403, "forbidden")
    assert log_in(behind, {NAMED: "eve@example.org"}, **ada).get_json()["user"]["uuid"] == user_id


def test_the_header_alone_opens_no_route(behind: FlaskClient) -> None:
    add(behind, "ada@example.org")
    answer = behind.get("/users", headers={NAMED: "ada@example.org"}, environ_overrides={"REMOTE_ADDR": PROXY})
    assert_problem(answer, 401, "unauthorized")


def test_the_header_names_nobody_where_people_log_in_by_password(opened: Opened) -> None:
    client = opened(trusted_proxies=PROXY)
    add(client, "ada@example.org", PASSWORD)
    assert_problem(log_in(client, {NAMED: "ada@example.org"}), 422, "invalid")
    answer = log_in(client, {NAMED: "ada@example.org"}, email="ada@example.org", password="wrong password")
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("chosen", [{"login": "header", "trusted_proxies": PROXY}, {"login": "none"}])
def test_nobody_signs_up_where_passwords_do_not_log_in(opened: Opened, chosen: dict[str, str]) -> None:
    body = {"uuid": new_id(), "name": "Ada", "email": "ada@example.org", "password": PASSWORD}
    assert_problem(opened(**chosen).post("/users", json=body), 403, "forbidden")


def test_if_signing_up_is_open_everybody_the_proxy_names_is_let_in(behind: FlaskClient) -> None:
    first = log_in(behind, {NAMED: "Ada@example.org"}).get_json()["user"]
    second = log_in(behind, {NAMED: "eve@example.org"}).get_json()["user"]
    again = log_in(behind, {NAMED: "ada@example.org"}).get_json()["user"]
    assert (first["name"], first["email"], first["is_admin"]) == ("Ada", "Ada@example.org", True)
    assert (second["name"], second["email"], second["is_admin"]) == ("eve", "eve@example.org", False)
    assert again == first


def test_where_signing_up_takes_an_invitation_the_proxy_lets_in_the_first_one_and_those_who_are_there(
    opened: Opened,
) -> None:
    client = opened(login="header", trusted_proxies=PROXY, sign_up="invitation")
    assert log_in(client, {NAMED: "ada@example.org"}).get_json()["user"]["is_admin"] is True
    assert_problem(log_in(client, {NAMED: "eve@example.org"}), 403, "forbidden")
    add(client, "eve@example.org")
    for email in ("ada@example.org", "eve@example.org"):
        assert log_in(client, {NAMED: email}).status_code == 201


def test_where_signing_up_is_closed_the_proxy_lets_in_those_only_who_are_there(opened: Opened) -> None:
    client = opened(login="header", trusted_proxies=PROXY, sign_up="closed")
    assert_problem(log_in(client, {NAMED: "ada@example.org"}), 403, "forbidden")
    add(client, "ada@example.org")
    assert log_in(client, {NAMED: "ada@example.org"}).status_code == 201


def test_whom_a_proxy_has_named_has_no_password(behind: FlaskClient, opened: Opened) -> None:
    log_in(behind, {NAMED: "ada@example.org"})
    by_password = opened()
    answer = log_in(by_password, email="ada@example.org", password=PASSWORD)
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize(
    "chosen", [{}, {"login": "header", "trusted_proxies": PROXY}, {"login": "none"}], ids=["password", "header", "none"]
)
def test_a_device_is_told_how_to_log_in(opened: Opened, chosen: dict[str, str]) -> None:
    expected = chosen.get("login", "password")
    assert opened(**chosen).get("/healthz").get_json()["login"] == expected


# ---- one person on this machine ----


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1"])
def test_the_one_person_on_the_machine_logs_in_by_nothing(opened: Opened, peer: str) -> None:
    client = opened(login="none")
    first, again = (log_in(client, peer=peer) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json()["user"] == again.get_json()["user"]
    assert first.get_json()["user"]["is_admin"] is True
    with_token = {"Authorization": f"Bearer {again.get_json()['token']}"}
    assert len(client.get("/admin/users", headers=with_token).get_json()) == 1


def test_the_one_person_is_who_signed_up_first_where_people_are_there(opened: Opened) -> None:
    user_id = add(opened(), "ada@example.org", PASSWORD)
    answer = log_in(opened(login="none"), peer="127.0.0.1")
    assert (answer.get_json()["user"]["uuid"], answer.get_json()["user"]["is_admin"]) == (user_id, True)


@pytest.mark.parametrize("peer", [ELSEWHERE, PROXY, "192.168.1.5", "2001:db8::1", "fe80::1%eth0", ""])
def test_nobody_on_another_machine_logs_in_by_nothing(alone: FlaskClient, peer: str) -> None:
    assert_problem(log_in(alone, peer=peer), 403, "forbidden")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"])
@pytest.mark.parametrize("text", ["127.0.0.1", "for=127.0.0.1", "1.1 proxy", ""])
def test_nobody_behind_a_proxy_logs_in_by_nothing(alone: FlaskClient, header: str, text: str) -> None:
    assert_problem(log_in(alone, {header: text}, peer="127.0.0.1"), 403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"])
def test_the_one_person_reaches_the_server_by_the_names_of_the_machine_itself(alone: FlaskClient, host: str) -> None:
    assert log_in(alone, peer="127.0.0.1", host=host).status_code == 201


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "xlocalhost"),
        *("192.168.1.5", "0.0.0.0", "[::]", "[::2]", "127.0.0.1@evil.example", "localhost:8000:8000", "localhost:x"),
        *("localhost,evil.example", "", "localhost.", "127.1", "[::1", "::1"),
    ],
)
@pytest.mark.parametrize("path", ["/auth/tokens", "/healthz", "/nowhere", "/"])
def test_a_page_whose_name_leads_to_this_machine_reaches_nothing(alone: FlaskClient, host: str, path: str) -> None:
    """A name of somebody else's that is made to lead here lets their page ask as one of ours (DNS rebinding)."""
    answer = alone.open(path, method="POST" if "auth" in path else "GET", headers=[("Host", host)])
    assert_problem(answer, 400, "bad_request")


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_page_elsewhere_cannot_log_in_by_what_browsers_send_unasked(alone: FlaskClient, media_type: str) -> None:
    from_elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = alone.post("/auth/tokens", data='{"device_name": "x"}', content_type=media_type, headers=from_elsewhere)
    assert_problem(answer, 415, "unsupported_media_type")
    asked = alone.options("/auth/tokens", headers=from_elsewhere | {"Access-Control-Request-Method": "POST"})
    assert not [name for name, _ in asked.headers if name.startswith("Access-Control-")]


# ---- where a request comes from ----


@pytest.fixture
def counted(settings: Settings) -> Callable[..., str]:
    """The address at which a failed login is counted."""

    def address_of(client: FlaskClient, peer: str, forwarded: str | None) -> str:
        headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
        answer = log_in(client, headers, peer=peer, email="nobody@example.org", password="wrong password")
        assert answer.status_code == 401
        found: str = value(settings.users_db, "SELECT address FROM failed_logins")
        return found

    return address_of


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "expected"),
    [
        pytest.param(0, PROXY, "192.0.2.1", PROXY, id="no hops: nobody is believed"),
        pytest.param(1, PROXY, None, PROXY, id="nothing said"),
        pytest.param(1, PROXY, "192.0.2.1", "192.0.2.1", id="one hop"),
        pytest.param(1, PROXY, "198.51.100.6, 192.0.2.1", "192.0.2.1", id="one hop, something made up"),
        pytest.param(2, PROXY, "192.0.2.1, 10.0.0.2", "192.0.2.1", id="two hops"),
        pytest.param(2, PROXY, "198.51.100.6, 192.0.2.1, 10.0.0.2", "192.0.2.1", id="two hops, something made up"),
        pytest.param(2, PROXY, "192.0.2.1", PROXY, id="two hops of which one said nothing"),
        pytest.param(1, ELSEWHERE, "192.0.2.1", ELSEWHERE, id="a peer that is no proxy"),
        pytest.param(1, "10.0.0.2", "192.0.2.1", "10.0.0.2", id="a neighbour of the proxy"),
        pytest.param(1, f"::ffff:{PROXY}", "192.0.2.1", "192.0.2.1", id="the proxy in its mapped form"),
        pytest.param(1, PROXY, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param(1, PROXY, "::ffff:192.0.2.1", "192.0.2.1", id="mapped"),
        pytest.param(1, PROXY, "::1", "::/64", id="IPv6 of the machine itself"),
        pytest.param(1, PROXY, "192.0.2.1:50123", "192.0.2.1", id="with a port"),
        pytest.param(1, PROXY, "[2001:db8:1:2::5]:50123", "2001:db8:1:2::/64", id="IPv6 with a port"),
        pytest.param(1, PROXY, "[2001:db8:1:2::5]", "2001:db8:1:2::/64", id="IPv6 in brackets"),
        pytest.param(1, PROXY, "[::ffff:192.0.2.1]:50123", "192.0.2.1", id="mapped with a port"),
        pytest.param(1, PROXY, "192.0.2.1:", "", id="without the port that is announced"),
        pytest.param(1, PROXY, "unknown", "", id="no address"),
        pytest.param(0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64", id="IPv6 without a proxy"),
        pytest.param(0, "fe80::1%eth0", None, "fe80::/64", id="IPv6 of this link"),
        pytest.param(0, "", None, "", id="a socket without addresses"),
    ],
)
def test_a_client_is_where_the_last_trusted_proxy_saw_it(
    opened: Opened, counted: Callable[..., str], hops: int, peer: str, forwarded: str | None, expected: str
) -> None:
    client = opened(trusted_proxies=PROXY, proxy_hops=hops)
    assert counted(client, peer, forwarded) == expected


def test_an_ipv6_address_counts_as_its_whole_network(opened: Opened) -> None:
    client = opened(login_failures=1)
    guess: dict[str, Any] = {"email": "nobody@example.org", "password": "wrong password"}
    assert log_in(client, peer="2001:db8:1:2::1", **guess).status_code == 401
    assert log_in(client, peer="2001:db8:1:2:ffff::9", **guess).status_code == 429
    assert log_in(client, peer="2001:db8:1:3::1", **guess).status_code == 401


@pytest.mark.parametrize("chosen", [{"login": "header", "trusted_proxies": PROXY}, {"login": "none"}])
def test_two_devices_that_log_in_for_the_first_time_at_the_same_moment_are_the_same_user(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str]
) -> None:
    client = opened(**chosen)
    headers, peer = ({NAMED: "ada@example.org"}, PROXY) if "trusted_proxies" in chosen else (None, "127.0.0.1")
    first: list[TestResponse] = []

    def find_late(name: str, find: Callable[..., Any]) -> Callable[..., Any]:
        def found(*given: Any) -> Any:
            known = find(*given)
            if known is None and not first:
                monkeypatch.undo()
                first.append(log_in(client, headers, peer))
            return known

        return found

    for name in ("find_by_email", "find_first"):
        monkeypatch.setattr(UserStore, name, find_late(name, getattr(UserStore, name)))
    second = log_in(client, headers, peer)
    assert (first[0].status_code, second.status_code) == (201, 201)
    assert first[0].get_json()["user"] == second.get_json()["user"]
