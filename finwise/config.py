"""Every setting: its environment variable, its default, what it is for. The only reader of the environment.

`docs/reference.md` has a line for each; a test compares the two.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

from finwise.domain.access import HEADER, LOGINS, NONE, SIGN_UPS
from finwise.domain.limits import Limits
from finwise.errors import BadSetting

PREFIX = "FINWISE_"
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

_PREFIX_FORM = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)
_HOST_FORM = re.compile(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_ORIGIN_FORM = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
# Granian hands `Remote_User` to the application under the same name as `Remote-User`, so that a proxy which removes the
# one lets the other pass. A name without either sign has no such twin.
_HEADER_FORM = re.compile(r"[A-Za-z0-9]{4,64}", re.ASCII)


def _setting(default: Any, about: str, most: int | None = None, least: int = 1) -> Any:
    return field(default=default, metadata={"about": about, "most": most, "least": least})


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; folders are relative to the working directory."""

    instance: str = _setting("instance", "folder of `users.db` and the lock files")
    tenant_databases: str = _setting("tenant_databases", "folder of the tenants' files")
    host: str = _setting("127.0.0.1", "address or name that `finwise serve` listens on")
    port: int = _setting(8000, "port that `finwise serve` listens on", most=65_535)
    workers: int = _setting(
        3, "processes of `finwise serve`, always 1 on Windows; one more than processors lets fewer wait", most=256
    )
    threads: int = _setting(64, "threads that each process of `finwise serve` has at most", most=1_024)
    url_prefix: str = _setting("", "path before all routes, such as `/api`")
    login: str = _setting(
        "password",
        "how people log in: `password`; `header`: a trusted proxy names them; `none`: one person on this machine",
    )
    login_header: str = _setting(
        "Finwiseuser", "header in which the proxy gives the e-mail; letters and digits only (docs/security.md)"
    )
    login_names: int = _setting(
        0, "1: with `password`, people may log in by their name, too, if nobody else has it", most=1, least=0
    )
    demo: int = _setting(0, "1: the start page opens a demo book that everybody may change", most=1, least=0)
    sign_up: str = _setting(
        "open",
        "who may sign up: `open`: anybody; `invitation`: people with a code, and the first user; `closed`: nobody",
    )
    trusted_proxies: str = _setting("", "addresses of the proxies in front, as networks: `127.0.0.1/32,10.0.0.0/24`")
    proxy_hops: int = _setting(0, "proxies that append to X-Forwarded-For; 0: there is none", most=10, least=0)
    trusted_hosts: str = _setting(
        "", "names this server answers to, such as `book.example.org,.example.net`; empty: any"
    )
    cors_origins: str = _setting("", "origins whose pages may ask as well: `https://app.example.org`; empty: none")
    token_days: int = _setting(90, "days after its last use that a token expires", most=36_500)
    invitation_days: int = _setting(7, "days until an invitation expires", most=365)
    login_failures: int = _setting(
        5, "failed logins within 15 minutes, of an account and address, after which they must wait", most=1_000
    )
    requests_per_minute: int = _setting(
        120_000, "requests that a token may make at each process of the server; 0: any number", most=9_999_999, least=0
    )
    tenants_per_user: int = _setting(1_000, "tenants that a user may own", most=1_000_000)
    max_body_mib: int = _setting(8, "MiB that the body of a request may have", most=64)
    max_import_mib: int = _setting(256, "MiB that a book may have that is imported over HTTP", most=65_536)
    max_changes: int = _setting(5_000, "changes that a push may have", most=100_000)
    max_change_kib: int = _setting(256, "KiB that one change may have", most=16_384)
    max_depth: int = _setting(32, "levels that the data of a change may be nested", most=100)
    max_fields: int = _setting(256, "fields that the data of a change may have", most=10_000)
    quota_mib: int = _setting(
        1_024, "MiB that a tenant's file may hold; reading and deleting go on above it", most=1_048_576
    )
    trash_days: int = _setting(30, "days that a deleted tenant's file is kept in the trash", most=36_500)
    conflict_days: int = _setting(90, "days that a version which lost a conflict is kept", most=36_500)
    tombstone_days: int = _setting(
        180, "days that a deletion is remembered; a device that was away for longer loads everything again", most=36_500
    )
    access_log: int = _setting(0, "1: the log has a line for every request", most=1, least=0)
    maintenance_hours: int = _setting(
        24,
        "hours between two runs of maintenance, the work of `finwise compact`; 0: never",
        most=8_760,
        least=0,
    )

    @property
    def users_db(self) -> Path:
        """Where users.db is."""
        return Path(self.instance, "users.db")

    @property
    def tenants_folder(self) -> Path:
        """Where the tenants' files are."""
        return Path(self.tenant_databases)

    @property
    def folders(self) -> dict[str, str]:
        """Where the data is, as whole paths, by the setting."""
        folders = {"instance": Path(self.instance), "tenant_databases": self.tenants_folder}
        return {setting: str(folder.absolute()) for setting, folder in folders.items()}

    @property
    def limits(self) -> Limits:
        """What one request, one change and one user may take."""
        return Limits(
            body_bytes=self.max_body_mib * 1024 * 1024,
            changes=self.max_changes,
            change_bytes=self.max_change_kib * 1024,
            depth=self.max_depth,
            fields=self.max_fields,
            tenants=self.tenants_per_user,
            import_bytes=self.max_import_mib * 1024 * 1024,
        )

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Where the trusted proxies are."""
        return tuple(ip_network(text) for text in _split(self.trusted_proxies))

    @property
    def hosts(self) -> list[str]:
        """The names this server answers to; empty: any."""
        return _split(self.trusted_hosts.lower()) or (list(LOOPBACK_NAMES) if self.login == NONE else [])

    @property
    def origins(self) -> frozenset[str]:
        """Whose pages may ask, beside this server's own."""
        return frozenset(_split(self.cors_origins.lower()))


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def from_environment() -> Settings:
    """The settings as the environment has them. Raises BadSetting, which names the variable."""
    return parse(os.environ)


def parse(environment: Mapping[str, str]) -> Settings:
    """The settings in a mapping of environment variables; an empty value counts as absent. Raises BadSetting."""
    known = {variable(setting.name): setting for setting in fields(Settings)}
    values: dict[str, Any] = {}
    for name, setting in known.items():
        if text := environment.get(name):
            values[setting.name] = _number(name, text, **_range(setting)) if setting.type is int else text
    return _validate(Settings(**values))


def with_options(settings: Settings, options: Mapping[str, str | int | None]) -> Settings:
    """The settings with those options of a command that were given."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return _validate(replace(settings, **given))


def unknown_variables() -> list[str]:
    """Variables of the environment that look like settings and are none: most likely misspelled."""
    known = {variable(setting.name) for setting in fields(Settings)}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def to_environment(settings: Settings) -> None:
    """Puts the settings into the environment, from which the server's own processes read them."""
    for setting in fields(Settings):
        os.environ[variable(setting.name)] = str(getattr(settings, setting.name))


def _range(setting: Field[Any]) -> dict[str, int]:
    return {"least": setting.metadata["least"], "most": setting.metadata["most"]}


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise BadSetting(f"{name} must be a whole number from {least} to {most}.")
    return int(text)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address or name."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _validate(settings: Settings) -> Settings:
    """Raises BadSetting for a value that a setting cannot have, or that contradicts another."""
    if settings.url_prefix and not _PREFIX_FORM.fullmatch(settings.url_prefix):
        raise BadSetting(f"{variable('url_prefix')} must be a path such as /api, without a slash at its end.")
    for name, values in (("login", LOGINS), ("sign_up", SIGN_UPS)):
        if getattr(settings, name) not in values:
            raise BadSetting(f"{variable(name)} must be one of {', '.join(values)}.")
    for name, form, example in (
        ("trusted_hosts", _HOST_FORM, "book.example.org, without scheme and port"),
        ("cors_origins", _ORIGIN_FORM, "https://app.example.org, without a path"),
    ):
        if not all(form.fullmatch(part) for part in _split(getattr(settings, name))):
            raise BadSetting(f"{variable(name)} must be a list such as {example}.")
    _check_proxies(settings)
    return settings


def _check_proxies(settings: Settings) -> None:
    try:
        proxies = settings.proxies
    except ValueError:
        raise BadSetting(f"{variable('trusted_proxies')} must be a list of networks such as 127.0.0.1/32.") from None
    if not _HEADER_FORM.fullmatch(settings.login_header):
        raise BadSetting(f"{variable('login_header')} must have 4 to 64 letters and digits, and no other sign.")
    if (settings.proxy_hops or settings.login == HEADER) and not proxies:
        raise BadSetting(f"Say in {variable('trusted_proxies')} where the proxies are that are to be believed.")
    if settings.login == NONE and not is_loopback(settings.host):
        raise BadSetting(f"{variable('login')}=none lets everybody in: set {variable('host')} to 127.0.0.1.")
    if settings.login == NONE and (proxies or settings.cors_origins):
        raise BadSetting(f"{variable('login')}=none is for one person on this machine: no proxies, no other origins.")
