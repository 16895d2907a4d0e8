"""The page at `/app/`: served as it was built, nothing else; the demo book's door is there only where it is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from finwise import create_app, demo
from finwise.api import account_book
from finwise.config import Settings
from harness.problems import assert_problem
from tests.built_page import FILES, INDEX, build_page
from tests.conftest import Clock
from tests.household import Household

DEMO_LINK = 'href="/app/#demo"'


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "built"
    folder.mkdir()
    monkeypatch.setattr(account_book, "BUILT", build_page(folder))
    return folder


@pytest.fixture
def unbuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "unbuilt"
    folder.mkdir()
    monkeypatch.setattr(account_book, "BUILT", folder)
    return folder


@pytest.fixture
def showing(tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    """An application that shows the demo book."""
    settings = Settings(
        instance=str(tmp_path / "instance"), tenant_databases=str(tmp_path / "books"), maintenance_hours=0, demo=1
    )
    application = create_app(settings, clock)
    yield application
    application.extensions["finwise"].close()


def get(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """An answer that is read to its end, so that no file stays open."""
    return client.get(path, buffered=True, **options)


# ---- the files ----


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("sw.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("manifest.webmanifest", "application/manifest+json"),
        ("assets/index-0a1b2c3d.js", "text/javascript; charset=utf-8"),
        ("assets/index-4e5f6a7b.css", "text/css; charset=utf-8"),
    ],
)
def test_each_file_is_served_as_what_it_is(built: Path, client: FlaskClient, path: str, kind: str) -> None:
    answer = get(client, f"/app/{path}")
    assert (answer.status_code, answer.content_type) == (200, kind)
    assert answer.text == FILES[path or "index.html"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_without_its_slash_the_page_is_one_step_further(built: Path, client: FlaskClient) -> None:
    answer = get(client, "/app", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (308, "app/")


@pytest.mark.parametrize("path", ["/app", "/app/"])
def test_the_page_lies_below_the_prefix_and_what_it_loads_is_named_from_there(
    built: Path, settings: Settings, path: str
) -> None:
    client = create_app(Settings(**vars(settings) | {"url_prefix": "/books/api"})).test_client()
    assert get(client, path).status_code == 404
    answer = get(client, f"/books/api{path}")
    assert answer.text == INDEX if path.endswith("/") else answer.headers["Location"] == "app/"
    assert get(client, "/books/api/app/assets/index-0a1b2c3d.js").status_code == 200
    assert 'href="/books/api/app/"' in get(client, "/books/api/").text


def test_what_is_named_by_its_contents_is_kept_and_the_rest_is_asked_about(built: Path, client: FlaskClient) -> None:
    for path in ("", "index.html", "sw.js", "icon.svg", "manifest.webmanifest"):
        assert get(client, f"/app/{path}").headers["Cache-Control"] == "no-cache"
    for path in ("assets/index-0a1b2c3d.js", "assets/index-4e5f6a7b.css"):
        assert get(client, f"/app/{path}").headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_file_that_has_not_changed_is_not_sent_again(built: Path, client: FlaskClient) -> None:
    first = get(client, "/app/")
    again = get(client, "/app/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_condition_that_does_not_hold_is_a_problem(built: Path, client: FlaskClient) -> None:
    assert_problem(get(client, "/app/", headers={"If-Match": '"another"'}), 412, "error")


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "sources.txt",
        "assets",
        "assets/",
        "../app.py",
        "..%2fapp.py",
        "%2e%2e/app.py",
        "..%5capp.py",
        "assets/../../app.py",
        "assets/..%2f..%2fapp.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "%00.js",
        "x" * 5_000 + ".js",
    ],
)
def test_nothing_else_is_served(built: Path, client: FlaskClient, path: str) -> None:
    (built.parent / "app.py").write_text("not of the page")
    assert_problem(get(client, f"/app/{path}", follow_redirects=True), 404, "not_found")


def test_a_file_beside_the_page_is_not_served_although_its_kind_is(built: Path, client: FlaskClient) -> None:
    (built.parent / "secret.js").write_text("not of the page")
    for path in ("../secret.js", "..%2fsecret.js", "assets/..%2f..%2fsecret.js"):
        assert_problem(get(client, f"/app/{path}"), 404, "not_found")


@pytest.mark.parametrize("path", ["", "assets/index-0a1b2c3d.js", "sw.js"])
def test_the_page_runs_and_asks_only_what_is_of_this_server(built: Path, client: FlaskClient, path: str) -> None:
    header = get(client, f"/app/{path}").headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in header.split(";"))
    assert policy["default-src"] == "'none'"
    for name in ("script-src", "style-src", "connect-src", "worker-src", "manifest-src"):
        assert policy[name] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in header
    assert "http" not in header


# ---- without a page ----


def test_without_a_page_it_says_how_to_build_it(unbuilt: Path, client: FlaskClient) -> None:
    answer = get(client, "/app/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert get(client, "/app/index.html").text == answer.text
    for words in ("Node.js 20", "npm ci", "npm run build:page", "pip install"):
        assert words in answer.text


def test_without_a_page_it_says_why(unbuilt: Path, client: FlaskClient) -> None:
    (unbuilt / "missing.txt").write_text("npm <was> not found.", "utf-8")
    assert "npm &lt;was&gt; not found." in get(client, "/app/").text


def test_without_a_page_everything_else_works(unbuilt: Path, home: Household) -> None:
    assert home.get("/app/sw.js").status_code == 404
    assert home.get("/").status_code == 200
    assert home.push().status_code == 200


# ---- the demo book ----


def test_the_demo_book_is_one_click_from_the_start_page(showing: Flask) -> None:
    client = showing.test_client()
    assert DEMO_LINK in get(client, "/").text
    answer = client.post("/app/demo")
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    admitted = answer.get_json()
    assert set(admitted) == {"token", "tenant_id", "email"}
    headers = {"Authorization": f"Bearer {admitted['token']}"}
    assert len(client.get(f"/sync/initial/{admitted['tenant_id']}", headers=headers).get_json()["changes"]) > 500


def test_a_visitor_of_the_demo_is_a_device_of_its_own(showing: Flask) -> None:
    client = showing.test_client()
    tokens = {client.post("/app/demo").get_json()["token"] for _ in range(3)}
    assert len(tokens) == 3


def test_however_many_look_around_a_process_makes_few_tokens_and_all_open_the_book(
    showing: Flask, clock: Clock
) -> None:
    client = showing.test_client()
    admissions = [client.post("/app/demo").get_json() for _ in range(3 * demo.TOKENS)]
    assert len({admitted["token"] for admitted in admissions}) == demo.TOKENS
    clock.forward(days=100)
    admitted = client.post("/app/demo").get_json()
    headers = {"Authorization": f"Bearer {admitted['token']}"}
    assert client.get(f"/sync/changes/{admitted['tenant_id']}", headers=headers).status_code == 200, "not expired"


def test_a_visitor_of_the_demo_does_nothing_in_the_demo_users_name(showing: Flask) -> None:
    client = showing.test_client()
    admitted = client.post("/app/demo").get_json()
    headers, tenant = {"Authorization": f"Bearer {admitted['token']}"}, f"/tenants/{admitted['tenant_id']}"
    for method, path in (
        ("GET", "/users"),
        ("GET", "/auth/tokens"),
        ("DELETE", "/auth/tokens"),
        ("GET", "/admin/users"),
        ("DELETE", tenant),
        ("POST", f"{tenant}/invitations"),
    ):
        assert client.open(path, method=method, json={}, headers=headers).status_code == 403, path


def test_a_server_that_was_not_told_to_shows_no_demo_book_although_it_is_there(app: Flask, clock: Clock) -> None:
    demo.create(app.extensions["finwise"], clock())
    client = app.test_client()
    assert "demo" not in get(client, "/").text
    assert_problem(client.post("/app/demo"), 404, "not_found")


def test_a_demo_book_that_is_gone_is_not_offered(showing: Flask, clock: Clock) -> None:
    client, domain = showing.test_client(), showing.extensions["finwise"]
    user = client.post("/app/demo").get_json()
    assert user["email"] == demo.EMAIL
    domain.users.delete(domain.administration.find_user(domain.users.uuid_of(demo.EMAIL)), clock())
    assert DEMO_LINK not in get(client, "/").text
    assert_problem(client.post("/app/demo"), 404, "not_found")


def test_the_books_of_others_are_never_shown(showing: Flask) -> None:
    client = showing.test_client()
    home = Household(client).create()
    admitted = client.post("/app/demo").get_json()
    assert admitted["tenant_id"] != home.tenant_id
    headers = {"Authorization": f"Bearer {admitted['token']}"}
    assert_problem(client.get(f"/sync/initial/{home.tenant_id}", headers=headers), 404, "not_found")
