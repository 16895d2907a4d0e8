"""FinWise: the server that keeps every device of a household's account book in step."""

import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from finwise import api, config, entities, upkeep_thread
from finwise.domain import Domain
from finwise.domain.backups import Backups
from finwise.domain.conflicts import Conflicts
from finwise.domain.devices import Devices
from finwise.domain.life import Life
from finwise.domain.logins import Logins
from finwise.domain.restores import Restores
from finwise.domain.sync import Sync
from finwise.domain.tenants import Tenants
from finwise.domain.tokens import Tokens
from finwise.domain.upkeep import Ages, Upkeep
from finwise.domain.users import Users
from finwise.domain.verification import Verification
from finwise.passwords import Passwords
from finwise.store.backups import Archives
from finwise.store.book import Books
from finwise.store.central import Central
from finwise.store.copies import Copies
from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.health import Health
from finwise.store.logins import FailedLogins
from finwise.store.memory import MemoryDatabases
from finwise.store.pool import Pool
from finwise.store.restores import Staging
from finwise.store.tenants import TenantStore
from finwise.store.tokens import TokenStore
from finwise.store.upkeep import UpkeepStore
from finwise.store.users import UserStore
from finwise.store.verification import Wholeness
from finwise.version import __version__

__all__ = ["__version__", "create_app", "create_domain", "now"]


def now() -> int:
    """The server's clock: µs since 1970. Asked once per request or command and handed down."""
    return time.time_ns() // 1000


def create_domain(settings: config.Settings) -> Domain:
    """The rules joined to their stores. Makes the folders and users.db; finishes what a process that died had begun."""
    locks = Path(settings.instance, "locks")
    quota = settings.quota_mib * 1024 * 1024
    pool = Pool()
    central = Central(settings.users_db, locks, pool)
    users, tenants, tokens = UserStore(central), TenantStore(central), TokenStore(central)
    folder = Folder(settings.tenants_folder, locks)
    databases: Databases | MemoryDatabases
    staging: Staging | MemoryDatabases
    if settings.in_memory:
        databases = staging = MemoryDatabases(entities.columns())
    else:
        databases = Databases(folder, entities.columns(), pool, quota, lambda tenant_id: life.report(tenant_id))
        staging = Staging(folder, databases)
    life = Life(tenants, databases, staging)
    books, archives, copies = Books(databases), Archives(central, databases), Copies(folder, databases)
    passwords = Passwords()
    logins = Logins(FailedLogins(central), passwords)
    ages = Ages(settings.tombstone_days, settings.conflict_days, settings.trash_days, settings.maintenance_hours)
    life.finish(now())
    return Domain(
        users=Users(users, logins, passwords),
        tenants=Tenants(tenants, life),
        tokens=Tokens(tokens, users, logins, passwords, settings.token_days),
        sync=Sync(books, entities.checks(), quota),
        conflicts=Conflicts(books, quota),
        devices=Devices(books, tokens),
        copies=copies,
        life=life,
        upkeep=Upkeep(tenants, books, databases, copies, life, UpkeepStore(central), ages),
        backups=Backups(tenants, archives),
        restores=Restores(life, users, staging, archives),
        verification=Verification(Wholeness(central, databases), life),
        health=Health(central, databases),
        close=pool.close,
    )


def create_app(settings: config.Settings | None = None, clock: Callable[[], int] = now) -> Flask:
    """The WSGI application. Without settings, those of the environment; raises BadSetting for one it cannot use."""
    settings = settings or config.from_environment()
    app = Flask(__name__, static_folder=None)
    domain = create_domain(settings)
    api.register(app, domain, settings.url_prefix, clock)
    if settings.maintenance_hours:
        upkeep_thread.start(domain.upkeep, clock)
    return app
