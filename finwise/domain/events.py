"""Events: what operators and their programs look for in the log. `docs/security.md` lists them.

They hold ids, roles and numbers, but nothing that people write (names, contents, passwords, tokens, codes), except the
e-mail that somebody tried to log in with.
"""

import logging
from collections.abc import Mapping
from threading import local
from typing import NamedTuple

log = logging.getLogger("finwise.events")


class Event(NamedTuple):
    """What is told of something that happened."""

    level: int  # of logging
    says: str  # the sentence of its lines
    fields: tuple[str, ...] = ()  # what each line holds, beside who asked
    a_minute: int | None = None  # lines of each process at most, if fewer than of other events (logs.py)


_REFUSED_A_MINUTE = 10  # each request of a flood may be refused, and says nothing that the one before did not


EVENTS: Mapping[str, Event] = {
    "server.started": Event(
        logging.INFO,
        "The server starts.",
        ("version", "url", "workers", "threads", "login", "instance", "tenant_databases"),
    ),
    "server.stopped": Event(logging.INFO, "The server has stopped.", ("version", "url")),
    "server.logs_not_folded": Event(
        logging.WARNING,
        "Commits of these files are still in their write-ahead logs: do not copy the files alone.",
        ("files", "count"),
    ),
    "process.replaced": Event(
        logging.WARNING, "A process of the server has died; another takes its place.", ("deaths",)
    ),
    "process.ready": Event(
        logging.INFO, "A process of the server is ready.", ("version", "pid", "instance", "tenant_databases")
    ),
    "login.succeeded": Event(logging.INFO, "Somebody has logged in.", ("user_id", "token_id")),
    "login.failed": Event(logging.WARNING, "Wrong e-mail or password.", ("account",)),
    "login.refused": Event(
        logging.WARNING, "A login used a way that the settings do not allow, or its proxy named nobody."
    ),
    "login.throttled": Event(logging.WARNING, "Too many failed logins: this one was not tried.", ("account", "wait")),
    "sign_up.throttled": Event(logging.WARNING, "Too many attempts to sign up: this one was not tried.", ("wait",)),
    "user.added": Event(logging.INFO, "A user was added.", ("user_id", "is_admin")),
    "user.changed": Event(logging.INFO, "A user's name or e-mail was changed.", ("user_id",)),
    "user.deleted": Event(logging.INFO, "A user was deleted.", ("user_id",)),
    "password.changed": Event(logging.INFO, "A user's password was changed.", ("user_id",)),
    "admin.granted": Event(logging.WARNING, "A user became an administrator.", ("user_id",)),
    "admin.revoked": Event(logging.WARNING, "A user is no longer an administrator.", ("user_id",)),
    "token.added": Event(
        logging.INFO, "A token was issued without a login.", ("user_id", "token_id", "tenant_id", "read_only")
    ),
    "token.revoked": Event(logging.INFO, "A token was revoked.", ("user_id", "token_id")),
    "token.all_revoked": Event(logging.INFO, "A user has revoked all tokens, or all others.", ("user_id",)),
    "token.throttled": Event(
        logging.WARNING,
        "A token makes too many requests: this one was refused.",
        ("user_id", "token_id", "wait"),
        _REFUSED_A_MINUTE,
    ),
    "request.throttled": Event(
        logging.WARNING,
        "Too much at once of one sender or book: this request was refused.",
        ("limit", "tenant_id", "wait"),
        _REFUSED_A_MINUTE,
    ),
    "request.busy": Event(
        logging.WARNING,
        "The server has no room for a request right now, or a file is in use: it was refused.",
        ("reason", "wait"),
        _REFUSED_A_MINUTE,
    ),
    "tenant.created": Event(logging.INFO, "A tenant was created.", ("tenant_id", "user_id")),
    "tenant.renamed": Event(logging.INFO, "A tenant was renamed.", ("tenant_id",)),
    "tenant.handed_over": Event(logging.INFO, "A tenant was handed over.", ("tenant_id", "user_id")),
    "tenant.deleted": Event(logging.INFO, "A tenant was deleted; its file is in the trash.", ("tenant_id",)),
    "tenant.exported": Event(logging.INFO, "Somebody exported a book.", ("tenant_id",)),
    "tenant.imported": Event(logging.INFO, "Somebody imported a book.", ("tenant_id", "applied")),
    "tenant.reset": Event(logging.WARNING, "Somebody deleted everything in a book.", ("tenant_id", "deletions")),
    "tenant.quota_set": Event(logging.INFO, "A tenant's quota was set.", ("tenant_id", "quota_mib")),
    "tenant.restored": Event(logging.WARNING, "A tenant's file was replaced by a restore.", ("tenant_id",)),
    "tenant.quarantined": Event(
        logging.ERROR, "A tenant's file is damaged or missing. Run: finwise verify", ("tenant_id",)
    ),
    "tenant.released": Event(logging.WARNING, "A tenant's quarantine has ended.", ("tenant_id",)),
    "tenant.compacted": Event(
        logging.INFO, "Old deletions and conflicts were forgotten.", ("tenant_id", "deletions", "conflicts")
    ),
    "member.changed": Event(logging.INFO, "A member's role was changed.", ("tenant_id", "user_id", "role")),
    "member.removed": Event(logging.INFO, "A member was removed, or has left.", ("tenant_id", "user_id")),
    "invitation.added": Event(logging.INFO, "An invitation was made.", ("invitation_id", "tenant_id", "role")),
    "invitation.revoked": Event(logging.INFO, "An invitation was withdrawn.", ("invitation_id", "tenant_id")),
    "invitation.accepted": Event(logging.INFO, "A user became a member.", ("tenant_id", "user_id")),
    "backup.made": Event(logging.INFO, "A backup was made.", ("folder", "tenants", "problems")),
    "backup.incomplete": Event(logging.ERROR, "A tenant could not be backed up.", ("tenant_id", "reason")),
    "maintenance.done": Event(logging.INFO, "Maintenance has run.", ("tenants", "removed_files")),
    "maintenance.put_off": Event(
        logging.WARNING,
        "The clock is far ahead of the last maintenance: nothing was forgotten. If it is right, the next run goes on.",
        ("last_run", "clock"),
    ),
    "database.migrated": Event(
        logging.INFO, "A database was migrated to a newer schema.", ("file", "from_version", "to_version")
    ),
}


def tell(event: str, **fields: object) -> None:
    """Writes an event of EVENTS to the log, with its fields and who asked for it.

    Called once a thing is done. Fields that are None are left out.
    """
    level, says, _, a_minute = EVENTS[event]
    asked = {name: value for name, value in (("address", _asked.address), ("by", _asked.user_id)) if value}
    log.log(level, says, extra={"event": event, "fields": {**asked, **fields}, "a_minute": a_minute})


def asked_from(address: str) -> None:
    """From now on, this thread answers a request from an address; empty: unknown."""
    _asked.address = address


def asked_by(user_id: str) -> None:
    """The request is this user's."""
    _asked.user_id = user_id


def end_request() -> None:
    """The thread no longer answers a request."""
    _asked.address = _asked.user_id = ""


class _Asked(local):
    """Where the request that this thread answers came from, and whose it is; each empty if that is not known."""

    address = ""
    user_id = ""


_asked = _Asked()
