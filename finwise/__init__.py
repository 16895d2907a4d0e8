"""FinWise: the server that keeps all devices of a household's account book in sync."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from finwise import api, config, demo, entities, logs, maintenance_thread
from finwise.domain import Domain
from finwise.domain.administration import Administration, Quotas
from finwise.domain.backups import Backups
from finwise.domain.concurrency import Concurrency
from finwise.domain.conflicts import Conflicts
from finwise.domain.devices import Devices
from finwise.domain.events import tell
from finwise.domain.invitations import Invitations
from finwise.domain.life import Life
from finwise.domain.logins import Logins
from finwise.domain.maintenance import Ages, Maintenance
from finwise.domain.members import Members
from finwise.domain.restores import Restores
from finwise.domain.sync import Sync
from finwise.domain.tenants import Tenants
from finwise.domain.tokens import Tokens
from finwise.domain.users import Users
from finwise.domain.verification import Verification
from finwise.errors import FinWiseError
from finwise.passwords import Passwords
from finwise.store.administration import AdministrationStore
from finwise.store.backups import Archives
from finwise.store.book import Books
from finwise.store.copies import Copies
from finwise.store.databases import Databases
from finwise.store.folder import Folder
from finwise.store.folding import Folding
from finwise.store.health import Health
from finwise.store.installation import close_to_others, require_installation, require_tenants_folder
from finwise.store.invitations import InvitationStore
from finwise.store.logins import FailedLogins
from finwise.store.maintenance import MaintenanceStore
from finwise.store.members import MemberStore
from finwise.store.pool import Pool
from finwise.store.restores import Staging
from finwise.store.sqlite_version import require_sqlite
from finwise.store.tenants import TenantStore
from finwise.store.tokens import TokenStore
from finwise.store.uploads import Uploads
from finwise.store.users import UserStore
from finwise.store.users_database import UsersDatabase
from finwise.store.verification import Wholeness
from finwise.version import __version__

__all__ = ["__version__", "create_app", "create_domain", "now"]

log = logging.getLogger(__name__)


def now() -> int:
    """The server's clock: µs since 1970. Asked once per request or command and handed down."""
    return time.time_ns() // 1000


def create_domain(settings: config.Settings, *, create: bool = True, restore: bool = False) -> Domain:
    """The rules joined to their stores. Finishes what a process that died had begun.

    Makes the folders and users.db if `create` is set; else raises BadSetting if there is no installation. Raises
    BadSetting as well if SQLite is too old, if users.db is missing or another installation's, or if the folder of its
    tenants' files is not there, unless `restore` is set: then they are about to be put back.
    """
    require_sqlite()
    if not require_installation(settings.users_db, settings.tenants_folder, create=create):
        close_to_others({settings.users_db.parent, settings.tenants_folder})
    locks = Path(settings.instance, "locks")
    limits = settings.limits
    pool = Pool()
    users_database = UsersDatabase(settings.users_db, locks, pool)
    user_store, tenants, token_store = (
        UserStore(users_database),
        TenantStore(users_database),
        TokenStore(users_database),
    )
    quotas = Quotas(tenants, settings.quota_mib)
    if not restore:
        require_tenants_folder(settings.tenants_folder, tenants.list_all())
    folder = Folder(settings.tenants_folder, locks)
    databases = Databases(folder, entities.columns(), pool, quotas.of, lambda tenant_id: life.report(tenant_id))
    staging = Staging(folder, databases)
    life = Life(tenants, databases, staging)
    books, archives, copies = Books(databases), Archives(users_database, databases), Copies(folder, databases)
    passwords = Passwords(max(1, settings.threads // 4))
    logins = Logins(FailedLogins(users_database), passwords, settings.login_failures)
    users = Users(user_store, life, logins, passwords, settings.sign_up)
    ages = Ages(settings.tombstone_days, settings.conflict_days, settings.trash_days, settings.maintenance_hours)
    concurrency = Concurrency(max(8, settings.threads // 4))  # as a user has, in api/arrivals.py
    life.require_ours()
    life.finish(now())
    return Domain(
        users=users,
        tenants=Tenants(tenants, life, limits.tenants),
        tokens=Tokens(
            token_store,
            user_store,
            tenants,
            logins,
            passwords,
            settings.token_days,
            by_name=bool(settings.login_names),
        ),
        members=Members(MemberStore(users_database)),
        invitations=Invitations(InvitationStore(users_database), settings.invitation_days),
        administration=Administration(
            AdministrationStore(users_database), users, user_store, tenants, books, passwords, quotas
        ),
        quotas=quotas,
        sync=Sync(books, entities.checks(), limits, concurrency),
        conflicts=Conflicts(books, token_store, concurrency),
        devices=Devices(books, token_store),
        copies=copies,
        uploads=Uploads(folder, limits.change_bytes),
        life=life,
        maintenance=Maintenance(tenants, books, databases, copies, life, MaintenanceStore(users_database), ages),
        backups=Backups(tenants, archives),
        restores=Restores(life, user_store, staging, archives),
        verification=Verification(Wholeness(users_database, databases), life),
        health=Health(users_database, databases),
        limits=limits,
        hold_permissions=users_database.hold_permissions,
        alone=folder.alone,
        fold=Folding(settings.users_db, folder).fold,
        close=pool.close,
    )


def create_app(settings: config.Settings | None = None, clock: Callable[[], int] = now) -> Flask:
    """The WSGI application. Without settings, those of the environment.

    Raises BadSetting for a setting that it cannot use, and if a part of the installation is missing.
    """
    logs.configure()
    settings = settings or config.from_environment()
    app = Flask(__name__, static_folder=None)
    domain = create_domain(settings)
    if settings.demo:
        _make_demo(domain, clock())
    api.register(app, domain, settings, clock)
    if settings.maintenance_hours:
        maintenance_thread.start(domain.maintenance, clock)
    tell("process.ready", version=__version__, pid=os.getpid(), **settings.folders)
    return app


def _make_demo(domain: Domain, created_at: int) -> None:
    """A server that cannot make its demo book serves everything else."""
    try:
        demo.create(domain, created_at)
    except FinWiseError as error:
        log.error("there is no demo book: %s", error.detail)
