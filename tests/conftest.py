"""What tests share: an application with files of its own and a clock that stands still until it is moved."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from finwise import create_app, create_domain, passwords
from finwise.config import Settings
from finwise.domain.times import millis_text, parse_micros
from finwise.store import connection
from harness.server import Server
from tests.household import Household
from tests.tenant_file import TenantFile

_WAITS_FOR_NO_DISK = "PRAGMA synchronous = OFF"


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Most tests have somebody log in; only what is about hashing itself is hashed at full cost (test_passwords.py)."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "MEMORY", 64)
        patched.setattr(passwords, "PASSES", 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_commits() -> Iterator[None]:
    """No test cuts the power, so the tests' own process waits for no disk, which made them take twice as long."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "_SETTINGS", (*connection._SETTINGS, _WAITS_FOR_NO_DISK))
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_routes() -> Iterator[None]:
    """Every test has an application of its own, all with the same routes: what Werkzeug compiles of one is kept."""
    compile_builder = Rule._compile_builder
    compiled: dict[object, Callable[..., tuple[str, str]]] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made_of = (*rule._trace, append_unknown)
        if rule.defaults or made_of not in compiled:
            compiled[made_of] = compile_builder(rule, append_unknown)
        return compiled[made_of]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Rule, "_compile_builder", compile_once)
        yield


@pytest.fixture
def shipped_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of connections as they are shipped."""
    shipped = tuple(each for each in connection._SETTINGS if each != _WAITS_FOR_NO_DISK)
    monkeypatch.setattr(connection, "_SETTINGS", shipped)


class Clock:
    """The server's clock, µs since 1970; starts at 2026-01-10T12:00:00Z."""

    def __init__(self) -> None:
        self.now = parse_micros("2026-01-10T12:00:00Z") or 0

    def __call__(self) -> int:
        return self.now

    def forward(self, *, seconds: float = 0, days: float = 0) -> None:
        self.now += int((seconds + days * 86_400) * 1_000_000)

    @property
    def text(self) -> str:
        return millis_text(self.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings_in(folder: Path) -> Settings:
    """An installation in a folder; maintenance is not done by a thread, whose moment no test could tell."""
    return Settings(str(folder / "instance"), str(folder / "tenant_databases"), maintenance_hours=0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of the test's own."""
    return settings_in(tmp_path)


@pytest.fixture
def installed(settings: Settings) -> Settings:
    """The settings of an installation that is there, without anybody in it: most commands want one."""
    create_domain(settings).close()
    return settings


@pytest.fixture
def app(settings: Settings, clock: Clock) -> Iterator[Flask]:
    application = create_app(settings, clock)
    yield application
    application.extensions["finwise"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def home(client: FlaskClient) -> Household:
    """A user with an empty tenant."""
    return Household(client).create()


@pytest.fixture
def tenant_file(settings: Settings, home: Household) -> TenantFile:
    """The file of `home`'s tenant."""
    return TenantFile(settings, home.tenant_id)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A real server: `finwise serve` in processes of its own, with files below `tmp_path`."""
    with Server(tmp_path) as running:
        yield running
