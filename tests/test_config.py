"""Settings: each has a variable, a default and a line in docs/reference.md; a wrong one is named."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from finwise import config, create_app
from finwise.config import Settings, parse, unknown_variables, variable
from finwise.errors import BadSetting
from tests.household import Household, change

REFERENCE = Path(__file__).parents[1] / "docs" / "reference.md"
DEFAULTS: dict[str, Any] = {setting.name: setting.default for setting in fields(Settings)}
OTHER: dict[str, str] = {
    "instance": "/srv/finwise",
    "tenant_databases": "/srv/books",
    "host": "192.0.2.1",
    "port": "8080",
    "workers": "5",
    "threads": "1",
    "url_prefix": "/books/api",
    "login": "header",
    "login_header": "Xuser",
    "login_names": "1",
    "demo": "1",
    "sign_up": "invitation",
    "trusted_proxies": "10.0.0.1/32,2001:db8::/64",
    "proxy_hops": "2",
    "trusted_hosts": "book.example.org,.example.net",
    "cors_origins": "https://app.example.org",
    "token_days": "7",
    "invitation_days": "3",
    "login_failures": "4",
    "requests_per_minute": "0",
    "tenants_per_user": "2",
    "max_body_mib": "2",
    "max_import_mib": "100",
    "max_changes": "100",
    "max_change_kib": "16",
    "max_depth": "8",
    "max_fields": "64",
    "quota_mib": "5",
    "trash_days": "6",
    "conflict_days": "4",
    "tombstone_days": "366",
    "access_log": "1",
    "maintenance_hours": "0",
}
# What a setting cannot be without.
NEEDS: dict[str, dict[str, str]] = {
    "login": {"trusted_proxies": "10.0.0.1"},
    "proxy_hops": {"trusted_proxies": "10.0.0.1"},
}
MAY_BE_ZERO = {"access_log", "demo", "login_names", "maintenance_hours", "proxy_hops", "requests_per_minute"}
every_setting = pytest.mark.parametrize("name", DEFAULTS)


def lines_of_reference() -> dict[str, tuple[str, str]]:
    """variable -> default and meaning, of each line of the reference's tables."""
    found = {}
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `FINWISE_"):
            name, default, about = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:4])
            found[name.strip("`")] = (default, about)
    return found


def test_without_any_variable_there_are_the_defaults() -> None:
    assert parse({}) == Settings()


def test_no_setting_is_missing_from_these_tests() -> None:
    assert DEFAULTS.keys() == OTHER.keys()


@every_setting
def test_a_setting_has_one_variable_that_sets_it_and_nothing_else(name: str) -> None:
    needed: dict[str, Any] = NEEDS.get(name, {})
    read = parse({variable(each): text for each, text in (needed | {name: OTHER[name]}).items()})
    expected = type(DEFAULTS[name])(OTHER[name])
    assert expected != DEFAULTS[name]
    assert read == replace(Settings(), **needed, **{name: expected})
    assert variable(name) == f"FINWISE_{name.upper()}"


@every_setting
def test_an_empty_variable_counts_as_absent(name: str) -> None:
    assert parse({variable(name): ""}) == Settings()


@every_setting
def test_a_setting_has_one_line_in_the_reference_with_its_default(name: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert text.count(f"| `{variable(name)}`") == 1
    default, about = lines_of_reference()[variable(name)]
    empty = {"", "empty", "none", "-", "\N{EN DASH}"}
    if DEFAULTS[name] == "":
        assert default.strip("`") in empty
    else:
        assert default == f"`{DEFAULTS[name]}`"
    assert about


def test_the_reference_names_no_setting_that_there_is_not() -> None:
    assert set(lines_of_reference()) == {variable(name) for name in DEFAULTS}
    named = set(re.findall(r"\bFINWISE_[A-Z_]+\b", REFERENCE.read_text(encoding="utf-8")))
    assert named <= {variable(name) for name in DEFAULTS}


def test_the_reference_says_the_same_about_a_setting_as_the_code() -> None:
    lines = lines_of_reference()
    for setting in fields(Settings):
        assert lines[variable(setting.name)][1].startswith(setting.metadata["about"])


@pytest.mark.parametrize("name", [name for name, default in DEFAULTS.items() if type(default) is int])
@pytest.mark.parametrize(
    "value",
    [
        *("-1", "+1", "1.5", "1e3", "x", " 1", "1 ", "0x10", "1_0", "\u0661", "\uff11", "\u00b2", "1\n", "True"),
        pytest.param("9" * 5_000, id="5,000 digits"),
    ],
)
def test_a_number_of_another_form_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        parse({variable(name): value})
    assert variable(name) in refused.value.detail


@pytest.mark.parametrize("name", [name for name, default in DEFAULTS.items() if type(default) is int])
def test_nothing_is_a_number_only_where_it_means_never(name: str) -> None:
    if name in MAY_BE_ZERO:
        assert getattr(parse({variable(name): "0"}), name) == 0
        return
    with pytest.raises(BadSetting) as refused:
        parse({variable(name): "0"})
    assert variable(name) in refused.value.detail


@pytest.mark.parametrize("port", ["65536", "99999", "100000000"])
def test_a_port_that_does_not_exist_is_refused(port: str) -> None:
    with pytest.raises(BadSetting) as refused:
        parse({"FINWISE_PORT": port})
    assert "FINWISE_PORT" in refused.value.detail


def test_tokens_that_would_outlive_the_calendar_are_refused() -> None:
    """Times are text up to the year 9999; a token that ends later could not be issued at all."""
    with pytest.raises(BadSetting) as refused:
        parse({"FINWISE_TOKEN_DAYS": "99999999"})
    assert "FINWISE_TOKEN_DAYS" in refused.value.detail


@pytest.mark.parametrize(
    "prefix", ["api", "/", "/api/", "//", "api/", "/\u00e4pi", "/<x>", "/a b", "/a?b", "/a#b", "/a//b"]
)
def test_a_prefix_that_cannot_begin_a_path_is_refused_by_the_name_of_its_variable(prefix: str) -> None:
    with pytest.raises(BadSetting) as refused:
        parse({"FINWISE_URL_PREFIX": prefix})
    assert "FINWISE_URL_PREFIX" in refused.value.detail


@pytest.mark.parametrize("prefix", ["", "/api", "/a/b", "/v1.0", "/fin-wise_2~x"])
def test_a_prefix_that_begins_a_path_is_taken(prefix: str) -> None:
    assert parse({"FINWISE_URL_PREFIX": prefix}).url_prefix == prefix


@pytest.mark.parametrize(
    "name", ["port", "login", "sign_up", "login_header", "trusted_proxies", "trusted_hosts", "cors_origins"]
)
def test_a_wrong_setting_is_told_without_its_value(name: str) -> None:
    assert "secret" not in refusal(**{name: "a secret/pasted here"})


def refusal(**values: str) -> str:
    """What is said of settings that cannot be used together."""
    with pytest.raises(BadSetting) as refused:
        parse({variable(name): value for name, value in values.items()})
    return refused.value.detail


@pytest.mark.parametrize("name", ["login", "sign_up"])
@pytest.mark.parametrize("value", ["Password", "OPEN", "yes", " open", "password ", "none,header", "*"])
def test_a_way_that_there_is_not_is_refused_with_those_that_there_are(name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert variable(name) in said
    assert ("password, header, none" if name == "login" else "open, invitation, closed") in said


@pytest.mark.parametrize(
    "header",
    [
        *("Remote-User", "Remote_User", "-", "Finwise-", "_finwise", "Finwise.user", "Finwise user", "Finwiseuser:"),
        *("abc", "x" * 65, "N\u00e4me", "\uff26inwiseuser", "Finwiseuser\n"),
    ],
)
def test_a_header_whose_name_has_a_twin_on_the_way_to_the_application_is_refused(header: str) -> None:
    """The server hands `Remote_User` and `Remote-User` over as one: a proxy would remove the one and pass the other."""
    assert "FINWISE_LOGIN_HEADER" in refusal(login_header=header, login="header", trusted_proxies="10.0.0.1")
    assert "FINWISE_LOGIN_HEADER" in refusal(login_header=header), "in use or not"


@pytest.mark.parametrize("header", ["User", "x" * 64, "FINWISEUSER", "user1"])
def test_a_header_of_letters_and_digits_is_taken(header: str) -> None:
    assert parse({"FINWISE_LOGIN_HEADER": header}).login_header == header


@pytest.mark.parametrize(
    "proxies",
    [
        *("proxy", "10.0.0.1/24", "10.0.0.0/33", "10.0.0", "10.0.0.1 10.0.0.2", "10.0.0.1;10.0.0.2", "*", "::1/129"),
        *("10.0.0.1,proxy", "010.0.0.1", "10.0.0.0/", "[::1]"),
    ],
)
def test_a_proxy_that_is_no_address_or_network_is_refused(proxies: str) -> None:
    assert "FINWISE_TRUSTED_PROXIES" in refusal(trusted_proxies=proxies)


def test_proxies_are_addresses_and_networks() -> None:
    read = parse({"FINWISE_TRUSTED_PROXIES": " 127.0.0.1, 10.0.0.0/24 ,2001:db8::/64,"}).proxies
    assert [str(network) for network in read] == ["127.0.0.1/32", "10.0.0.0/24", "2001:db8::/64"]


@pytest.mark.parametrize("values", [{"login": "header"}, {"proxy_hops": "1"}])
def test_a_trusted_proxy_has_to_be_named(values: dict[str, str]) -> None:
    assert "FINWISE_TRUSTED_PROXIES" in refusal(**values)
    assert "FINWISE_TRUSTED_PROXIES" in refusal(**values, trusted_proxies=" , ")
    assert parse({variable(name): value for name, value in (values | {"trusted_proxies": "10.0.0.1"}).items()})


@pytest.mark.parametrize("hops", ["11", "-1", "x"])
def test_a_number_of_proxies_that_nobody_has_is_refused(hops: str) -> None:
    assert "FINWISE_PROXY_HOPS" in refusal(proxy_hops=hops, trusted_proxies="10.0.0.1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "book.example.org", "localhost.example.org", "[::]"])
def test_a_server_that_lets_everybody_in_listens_on_this_machine_only(host: str) -> None:
    said = refusal(login="none", host=host)
    assert "FINWISE_LOGIN" in said
    assert "FINWISE_HOST" in said
    with pytest.raises(BadSetting):
        config.with_options(parse({"FINWISE_LOGIN": "none"}), {"host": host})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost"])
def test_a_server_on_this_machine_may_let_everybody_in(host: str) -> None:
    assert parse({"FINWISE_LOGIN": "none", "FINWISE_HOST": host}).login == "none"


@pytest.mark.parametrize("values", [{"trusted_proxies": "127.0.0.1"}, {"cors_origins": "https://app.example.org"}])
def test_a_server_that_lets_everybody_in_has_neither_proxies_nor_other_origins(values: dict[str, str]) -> None:
    assert "FINWISE_LOGIN" in refusal(login="none", **values)


def test_a_server_that_lets_everybody_in_answers_to_the_names_of_this_machine_only() -> None:
    assert parse({"FINWISE_LOGIN": "none"}).hosts == ["localhost", "127.0.0.1", "[::1]"]
    named = parse({"FINWISE_LOGIN": "none", "FINWISE_TRUSTED_HOSTS": "book.localhost"})
    assert named.hosts == ["book.localhost"]
    assert parse({}).hosts == []


@pytest.mark.parametrize(
    "hosts",
    [
        *("https://book.example.org", "book.example.org:8000", "book.example.org/", "*", "*.example.org", "a b"),
        *(
            "book.example.org,*",
            "..example.org",
            "book..example.org",
            ".",
            "-.",
            "b\u00fcro.example.org",
            "2001:db8::1",
            "[::1]:80",
            "book_1",
        ),
    ],
)
def test_a_name_that_no_host_has_is_refused(hosts: str) -> None:
    assert "FINWISE_TRUSTED_HOSTS" in refusal(trusted_hosts=hosts)


def test_names_are_compared_in_small_letters() -> None:
    read = parse(
        {"FINWISE_TRUSTED_HOSTS": "Book.Example.org, .EXAMPLE.net", "FINWISE_CORS_ORIGINS": "https://App.example"}
    )
    assert read.hosts == ["book.example.org", ".example.net"]
    assert read.origins == {"https://app.example"}


@pytest.mark.parametrize(
    "origins",
    [
        *("*", "null", "app.example.org", "https://", "https://app.example.org/", "https://app.example.org/path"),
        *("https://*.example.org", "https://app.example.org:x", "ftp://app.example.org", "https://a,*", "file://"),
        *("https://user@app.example.org", "https://app.example.org https://b.example.org", "https://app.example.org?"),
    ],
)
def test_an_origin_of_another_form_is_refused(origins: str) -> None:
    assert "FINWISE_CORS_ORIGINS" in refusal(cors_origins=origins)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        *(
            ("max_body_mib", 64),
            ("max_import_mib", 65_536),
            ("max_changes", 100_000),
            ("max_change_kib", 16_384),
            ("max_depth", 100),
        ),
        *(("max_fields", 10_000), ("tenants_per_user", 1_000_000), ("login_failures", 1_000)),
        *(("requests_per_minute", 9_999_999), ("invitation_days", 365)),
    ],
)
def test_a_limit_has_a_limit(name: str, most: int) -> None:
    assert getattr(parse({variable(name): str(most)}), name) == most
    assert variable(name) in refusal(**{name: str(most + 1)})


def test_a_variable_that_looks_like_a_setting_and_is_none_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FINWISE_PROT", "FINWISE_", "FINWISE_A", "FINWISE_PORT", "FINWISEPORT", "PORT"):
        monkeypatch.setenv(name, "1")
    assert unknown_variables() == ["FINWISE_", "FINWISE_A", "FINWISE_PROT"]


def test_a_variable_of_a_setting_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OTHER.items():
        monkeypatch.setenv(variable(name), value)
    assert unknown_variables() == []


def test_the_environment_is_where_settings_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINWISE_PORT", "8080")
    assert config.from_environment().port == 8080


def test_settings_put_into_the_environment_are_read_back_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.setenv(variable(name), "")  # so that what is put there is taken back
    for settings in (Settings(), parse({variable(name): value for name, value in OTHER.items()})):
        config.to_environment(settings)
        assert config.from_environment() == settings


def test_options_that_were_given_go_before_settings() -> None:
    settings = config.with_options(Settings(port=8080), {"port": None, "host": "192.0.2.1"})
    assert (settings.port, settings.host) == (8080, "192.0.2.1")
    assert config.with_options(settings, {"port": 9000}).port == 9000


def test_the_application_reads_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FINWISE_INSTANCE", str(tmp_path / "here"))
    monkeypatch.setenv("FINWISE_TENANT_DATABASES", str(tmp_path / "there"))
    monkeypatch.setenv("FINWISE_URL_PREFIX", "/api")
    monkeypatch.setenv("FINWISE_MAINTENANCE_HOURS", "0")
    assert create_app().test_client().get("/api/readyz").status_code == 200
    assert (tmp_path / "here" / "users.db").is_file()
    assert (tmp_path / "there").is_dir()


def test_a_wrong_setting_keeps_the_application_from_starting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FINWISE_PORT", "x")
    with pytest.raises(BadSetting):
        create_app()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def prefixed(settings: Settings) -> Flask:
    return create_app(replace(settings, url_prefix="/books/api"))


def test_every_route_is_below_the_prefix(app: Flask, prefixed: Flask) -> None:
    plain = {(rule.rule, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert {(rule.rule, rule.endpoint) for rule in prefixed.url_map.iter_rules()} == {
        (f"/books/api{path}", endpoint) for path, endpoint in plain
    }


def test_nothing_is_served_beside_the_prefix(prefixed: Flask) -> None:
    client = prefixed.test_client()
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/users", "/static/docs.js", "/books", "/books/apiusers"):
        assert client.get(path).status_code == 404


def test_pages_below_a_prefix_link_to_what_is_there(prefixed: Flask) -> None:
    client = prefixed.test_client()
    linked = set()
    for page in ("/books/api/", "/books/api/docs"):
        answer = client.get(page)
        assert answer.status_code == 200
        linked |= set(re.findall(r'(?:href|src|data-url)="([^"]+)"', answer.text))
    assert len(linked) >= 6
    for path in linked:
        assert path.startswith("/books/api/")
        assert client.get(path, buffered=True).status_code == 200


def test_mounted_by_another_application_the_document_and_the_pages_say_where(app: Flask) -> None:
    mounted = Client(DispatcherMiddleware(NotFound(), {"/books": app.wsgi_app}))
    document = mounted.get("/books/openapi.json").get_json()
    assert document["servers"] == [{"url": "/books"}]
    assert app.test_client().get("/openapi.json").get_json()["servers"] == [{"url": "/"}]
    linked = set()
    for page in ("/books/", "/books/docs"):
        linked |= set(re.findall(r'(?:href|src|data-url)="([^"]+)"', mounted.get(page).text))
    assert len(linked) >= 6
    for path in linked:
        assert path.startswith("/books/")
        assert mounted.get(path, buffered=True).status_code == 200
    there = urljoin("http://localhost/books/app", mounted.get("/books/app").headers["Location"])
    assert there == "http://localhost/books/app/"


def test_the_document_below_a_prefix_describes_the_paths_there(prefixed: Flask) -> None:
    document = prefixed.test_client().get("/books/api/openapi.json").get_json()
    (server,) = document.get("servers", [{"url": "/"}])
    paths = {f"{server['url'].rstrip('/')}{path}" for path in document["paths"]}
    assert paths >= {"/books/api/users", "/books/api/sync/changes", "/books/api/healthz"}
    assert all(path.startswith("/books/api/") for path in paths)


def test_a_whole_household_works_below_a_prefix(prefixed: Flask) -> None:
    class Below:
        """A client that puts the prefix before every path."""

        def __init__(self) -> None:
            self._client = prefixed.test_client()

        def open(self, path: str, **options: Any) -> Any:
            return self._client.open(f"/books/api{path}", **options)

        def post(self, path: str, **options: Any) -> Any:
            return self.open(path, method="POST", **options)

    home = Household(Below()).create()  # type: ignore[arg-type] # as much of a client as a household needs
    home.results(change("t1"))
    assert [entity["id"] for entity in home.initial()["changes"]] == ["t1"]
    assert [entity["id"] for entity in home.pull()["changes"]] == ["t1"]
