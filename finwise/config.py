"""Every setting: its environment variable, its default, what it is for. The only reader of the environment.

`README.md` has a table with a line for each; a test compares the two.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from finwise.errors import BadSetting

PREFIX = "FINWISE_"
MEMORY = ":memory:"  # value of FINWISE_TENANT_DATABASES that keeps tenants in memory, for unit tests


_PREFIX_FORM = re.compile(r"(/[A-Za-z0-9._~-]+)+", re.ASCII)


def _setting(default: Any, about: str, most: int | None = None, least: int = 1) -> Any:
    return field(default=default, metadata={"about": about, "most": most, "least": least})


@dataclass(frozen=True)
class Settings:
    """The settings of one installation; folders are relative to the working directory."""

    instance: str = _setting("instance", "folder of `users.db` and the lock files")
    tenant_databases: str = _setting(
        "tenant_databases", "folder of the tenants' files; `:memory:` keeps them in memory, for unit tests only"
    )
    host: str = _setting("127.0.0.1", "address that `finwise serve` listens on")
    port: int = _setting(8000, "port that `finwise serve` listens on", most=65_535)
    workers: int = _setting(2, "processes of `finwise serve`", most=256)
    threads: int = _setting(8, "threads of each process of `finwise serve`", most=1_024)
    url_prefix: str = _setting("", "path before all routes, such as `/api`")
    token_days: int = _setting(90, "days until a new token expires", most=36_500)
    quota_mib: int = _setting(
        1_024, "MiB that a tenant's file may hold; reading and deleting go on above it", most=1_048_576
    )
    trash_days: int = _setting(30, "days that a deleted tenant's file is kept in the trash", most=36_500)
    conflict_days: int = _setting(90, "days that a version which lost a conflict is kept", most=36_500)
    tombstone_days: int = _setting(
        180, "days that a deletion is remembered; a device that was away for longer loads everything again", most=36_500
    )
    maintenance_hours: int = _setting(
        24, "hours after which the server compacts books and empties the trash by itself; 0: never", most=8_760, least=0
    )

    @property
    def users_db(self) -> Path:
        """The central database."""
        return Path(self.instance, "users.db")

    @property
    def tenants_folder(self) -> Path:
        """Where files about tenants are kept, be it only for a moment."""
        return Path(self.instance if self.in_memory else self.tenant_databases)

    @property
    def in_memory(self) -> bool:
        """Whether tenants are kept in memory."""
        return self.tenant_databases == MEMORY


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
    return _checked(Settings(**values))


def with_options(settings: Settings, options: Mapping[str, str | int | None]) -> Settings:
    """The settings with those options of a command that were given."""
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    return _checked(replace(settings, **given))


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


def _checked(settings: Settings) -> Settings:
    if settings.url_prefix and not _PREFIX_FORM.fullmatch(settings.url_prefix):
        raise BadSetting(f"{variable('url_prefix')} must be a path such as /api, without a slash at its end.")
    return settings
