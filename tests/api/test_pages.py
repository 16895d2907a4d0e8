"""What a person opens in a browser: it works without the internet and tells nobody else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import finwise
from finwise import create_app
from finwise.version import __version__
from harness.problems import assert_problem
from tests.conftest import settings_in
from tests.household import Household

PAGES = ["/", "/docs"]
OUR_FILES = sorted((Path(finwise.__file__).parent / "api" / "static").iterdir())
SVG_NAMESPACE = "http://www.w3.org/2000/svg"  # a name, which nobody looks up
every_page = pytest.mark.parametrize("page", PAGES)


def get(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """An answer that is read to its end, so that no file stays open."""
    return client.get(path, buffered=True, **options)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """One server for all: pages leave nothing behind."""
    return create_app(settings_in(tmp_path_factory.mktemp("pages"))).test_client()


class References(HTMLParser):
    """What a page loads, links to, and runs without loading it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.inline: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        loaded = given.get("src") or (given.get("href") if tag == "link" else None) or given.get("data-url")
        if loaded:
            self.loaded.append(loaded)
        elif tag == "a":
            self.linked.append(given.get("href") or "")
        self._in_script = tag in ("script", "style")
        self.inline += [name for name in given if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


@every_page
def test_a_page_is_html(client: FlaskClient, page: str) -> None:
    answer = get(client, page)
    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


def test_the_start_page_says_that_the_server_runs_and_where_to_go(client: FlaskClient) -> None:
    page = get(client, "/").text
    assert __version__ in page
    assert set(References(page).linked) == {"/app/", "/docs", "/openapi.json", "/healthz"}


@every_page
def test_everything_a_page_loads_or_links_to_is_served_here(client: FlaskClient, page: str) -> None:
    references = References(get(client, page).text)
    assert references.loaded
    for path in references.loaded + references.linked:
        assert re.match(r"/(?!/)", path), path
        assert get(client, path).status_code == 200, path


@every_page
def test_no_page_names_another_host(client: FlaskClient, page: str) -> None:
    assert re.findall(r"(?i)(?:https?|wss?|ftp):|(?<=[\"'(=])//", get(client, page).text) == []


@pytest.mark.parametrize("path", OUR_FILES, ids=lambda path: path.name)
def test_no_file_of_ours_names_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(SVG_NAMESPACE, "")
    assert re.findall(r"(?i)(?:https?|wss?|ftp)://|url\(|@import", text) == []


def test_the_documents_page_shows_the_document_with_swagger_ui(client: FlaskClient) -> None:
    loaded = References(get(client, "/docs").text).loaded
    kinds = {path: get(client, path).mimetype for path in loaded}
    assert kinds == {
        "/docs/assets/swagger-ui.css": "text/css",
        "/docs/assets/swagger-ui-bundle.js": "text/javascript",
        "/static/docs.js": "text/javascript",
        "/openapi.json": "application/json",
    }
    assert b"SwaggerUIBundle" in get(client, "/docs/assets/swagger-ui-bundle.js").data
    assert "validatorUrl: null" in get(client, "/static/docs.js").text  # or it would send the document elsewhere


@every_page
def test_a_page_may_load_from_here_only(client: FlaskClient, page: str) -> None:
    header = get(client, page).headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in header.split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    for name in ("script-src", "connect-src", "object-src", "form-action"):
        assert policy.get(name, "'self'") in ("'self'", "'none'")
    assert not re.search(r"\*|https?:|'unsafe-eval'", header)


@every_page
def test_a_page_runs_nothing_that_its_policy_would_stop(client: FlaskClient, page: str) -> None:
    assert References(get(client, page).text).inline == []


@pytest.mark.parametrize("path", [*PAGES, "/static/docs.js", "/static/start.css", "/docs/assets/swagger-ui.css"])
def test_what_is_served_is_taken_for_what_it_says_it_is(client: FlaskClient, path: str) -> None:
    assert get(client, path).headers["X-Content-Type-Options"] == "nosniff"


def test_answers_about_people_stay_out_of_caches(client: FlaskClient) -> None:
    home = Household(client).create()
    answers = [home.log_in(), home.get("/users"), home.get("/tenants"), home.get("/auth/tokens"), home.get("/nowhere")]
    answers += [home.get(f"/sync/{what}/{home.tenant_id}") for what in ("initial", "changes")]
    for answer in [*answers, home.push()]:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/..%2fpages.py",
        "/static/%2e%2e/pages.py",
        "/static//etc/passwd",
        "/static/..\\pages.py",
        "/docs/assets/../__init__.py",
        "/docs/assets/..%2f__init__.py",
        "/docs/assets/%2fetc%2fpasswd",
        "/docs/assets/",
        "/docs/assets/nothing.js",
        "/docs/assets/%00",
        "/static/" + "x" * 5_000,
    ],
)
def test_no_other_file_is_served(client: FlaskClient, path: str) -> None:
    answer = get(client, path, follow_redirects=True)
    assert_problem(answer, 404, "not_found")


@pytest.mark.parametrize("path", ["/static/docs.js", "/docs/assets/swagger-ui.css"])
def test_a_condition_on_a_file_that_does_not_hold_is_a_problem(client: FlaskClient, path: str) -> None:
    assert_problem(get(client, path, headers={"If-Match": '"another"'}), 412, "error")


def test_no_page_sets_a_cookie(client: FlaskClient) -> None:
    for path in [*PAGES, "/openapi.json", "/healthz", "/static/docs.js"]:
        assert "Set-Cookie" not in get(client, path).headers
