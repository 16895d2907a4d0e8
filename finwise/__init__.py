"""FinWise: the server that keeps every device of a household's account book in step."""

import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from finwise import api, config, entities
from finwise.domain import Domain
from finwise.domain.logins import Logins
from finwise.domain.sync import Sync
from finwise.domain.tenants import Tenants
from finwise.domain.tokens import Tokens
from finwise.domain.users import Users
from finwise.passwords import Passwords
from finwise.store.book import Books
from finwise.store.central import Central
from finwise.store.databases import Databases
from finwise.store.health import Health
from finwise.store.logins import FailedLogins
from finwise.store.memory import MemoryDatabases
from finwise.store.pool import Pool
from finwise.store.tenants import TenantStore
from finwise.store.tokens import TokenStore
from finwise.store.users import UserStore
from finwise.version import __version__

__all__ = ["__version__", "create_app", "create_domain", "now"]


def now() -> int:
    """The server's clock: µs since 1970. Asked once per request or command and handed down."""
    return time.time_ns() // 1000


def create_domain(settings: config.Settings) -> Domain:
    """The rules joined to their stores. Makes the folders and users.db; finishes what a process that died had begun."""
    locks = Path(settings.instance, "locks")
    pool = Pool()
    central = Central(settings.users_db, locks, pool)
    databases: Databases | MemoryDatabases
    if settings.in_memory:
        databases = MemoryDatabases(entities.columns())
    else:
        databases = Databases(Path(settings.tenant_databases), locks, entities.columns(), pool)
    passwords, users = Passwords(), UserStore(central)
    logins = Logins(FailedLogins(central), passwords)
    tenants = Tenants(TenantStore(central), databases)
    tenants.finish()
    return Domain(
        users=Users(users, logins, passwords),
        tenants=tenants,
        tokens=Tokens(TokenStore(central), users, logins, passwords, settings.token_days),
        sync=Sync(Books(databases), entities.checks()),
        health=Health(central, databases),
        close=pool.close,
    )


def create_app(settings: config.Settings | None = None, clock: Callable[[], int] = now) -> Flask:
    """The WSGI application. Without settings, those of the environment; raises BadSetting for one it cannot use."""
    settings = settings or config.from_environment()
    app = Flask(__name__, static_folder=None)
    api.register(app, create_domain(settings), settings.url_prefix, clock)
    return app
