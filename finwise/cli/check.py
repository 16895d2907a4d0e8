"""`finwise check`: what is unsafe in this installation, and what to do about it."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from flask.helpers import get_debug_flag

from finwise import config, demo
from finwise.cli.group import domain, end, told
from finwise.config import Settings, is_loopback
from finwise.domain.access import CLOSED, HEADER, OPEN, PASSWORD
from finwise.domain.tenant import QUARANTINED
from finwise.errors import FinWiseError
from finwise.store.permissions import is_foreign
from finwise.store.sqlite_version import fault

_LITTLE_ROOM = 256 * 1024 * 1024  # bytes
_LOOKED_AT = 1_000  # files of a folder
_WIDEST = {4: 16, 6: 48}  # bits of a network of proxies; a wider one trusts strangers
# Packages with a known hole, each with the first version without it.
_HOLES = {
    "werkzeug": ((3, 1, 4), "CVE-2025-66221: names of devices on Windows"),
    "marshmallow": ((4, 1, 2), "CVE-2025-68480: a list in a body costs without bound"),
    "flask": ((3, 1, 1), "CVE-2025-47278: order of keys that sign sessions"),
    "jinja2": ((3, 1, 6), "CVE-2025-27516: templates may leave their sandbox"),
    "gunicorn": (
        (22, 0, 0),
        "CVE-2024-1135: a request smuggled past a proxy",
    ),  # for installations that serve wsgi.py with it
}


@click.command()
def check() -> None:
    """Name what is unsafe in this installation. Ends with 1 if anything is."""
    settings = config.from_environment()
    found = [line for look in (_files, _network, _environment, _people, _versions) for line in look(settings)]
    if known := fault():  # of which FinWise itself keeps clear, so it is told, and nothing unsafe
        click.echo(known)
    if not found:
        click.echo("Nothing unsafe was found.")
    end(found)


def _files(settings: Settings) -> Iterator[str]:
    for folder in {Path(settings.instance), settings.tenants_folder}:
        if not folder.is_dir():
            continue
        if os.name == "posix":
            yield from _permissions(folder)
        if shutil.disk_usage(folder).free < _LITTLE_ROOM:
            yield f"{folder} has less than {_LITTLE_ROOM // 1024 // 1024} MiB left. Make room."
    if sys.platform != "win32" and os.geteuid() == 0 and _is_roots(Path(settings.instance)):
        yield "FinWise runs as root. Give it its own user."


def _is_roots(folder: Path) -> bool:
    """Whether root runs the server, too, and not only this command."""
    return not folder.exists() or folder.stat().st_uid == 0


def _permissions(folder: Path) -> Iterator[str]:
    try:
        files = sorted(folder.glob("*.db*"))[:_LOOKED_AT] + sorted(folder.glob("locks/*"))
    except PermissionError:
        return  # which opening users.db says
    for path in (folder, *files):
        if path.suffix in ("", ".db") and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield f"{path} may be opened by other users of this machine. Run: chmod go= {path}"
        if path != folder and is_foreign(path):
            owner = folder.stat()
            yield (
                f"{path} belongs to another user than its folder, and so the server may not be able to open it. "
                f"Run: chown {owner.st_uid}:{owner.st_gid} {path}"
            )


def _network(settings: Settings) -> Iterator[str]:
    is_open = not is_loopback(settings.host)
    if is_open and not settings.proxies:
        yield (
            f"The server listens on {settings.host} in plain HTTP: passwords can be read on the way. "
            "Put a proxy with TLS in front (FINWISE_TRUSTED_PROXIES), and listen on 127.0.0.1."
        )
    if (is_open or settings.proxies) and not settings.hosts:
        yield "The server answers to any name. Name it in FINWISE_TRUSTED_HOSTS."
    if settings.proxies and not settings.proxy_hops:
        yield "All clients seem to have the proxy's address: one who guesses slows down all. Set FINWISE_PROXY_HOPS."
    for network in settings.proxies:
        if network.prefixlen < _WIDEST[network.version]:
            yield f"FINWISE_TRUSTED_PROXIES trusts all of {network}. Name the proxies only."
    if settings.login == HEADER and is_open:
        yield "With FINWISE_LOGIN=header only the proxy should reach this server. Listen where nobody else does."
    if settings.login == HEADER and any(network.num_addresses > 1 for network in settings.proxies):
        yield "With FINWISE_LOGIN=header an address in FINWISE_TRUSTED_PROXIES can be anybody. Name single ones."
    if any(origin.startswith("http://") for origin in settings.origins):
        yield "FINWISE_CORS_ORIGINS has an origin in plain HTTP: anybody on the network can send requests in its name."


def _environment(_: Settings) -> Iterator[str]:
    if get_debug_flag():
        yield "FLASK_DEBUG is set: `flask run` would let anybody who reaches it run Python. Unset it."
    for name in config.unknown_variables():
        yield f"{name} is not a setting of FinWise, so it does nothing."


def _people(settings: Settings) -> Iterator[str]:
    is_reached = settings.proxies or not is_loopback(settings.host)
    if is_reached and settings.login == PASSWORD and settings.sign_up == OPEN:
        yield "Anybody may sign up and fill the disk. Set FINWISE_SIGN_UP to invitation."
    try:
        joined = domain()
    except FinWiseError as error:
        yield told(error)
        return
    if is_reached and settings.sign_up != CLOSED and not joined.users.has_anybody():
        yield "Nobody has signed up yet: the first one becomes administrator. Add yourself (finwise users add)."
    if joined.users.exists(demo.EMAIL):
        yield f"The demo user is there. Where people keep their books: finwise users delete {demo.EMAIL}"
    for tenant_id in joined.tenants.ids_in_state(QUARANTINED):
        yield f"Tenant {tenant_id} is quarantined. Run: finwise verify --tenant {tenant_id}"
    yield from map(told, joined.health.problems())


def _versions(_: Settings) -> Iterator[str]:
    for package, (fixed, hole) in _HOLES.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            continue
        if _numbers(installed) < fixed:
            yield f"{package} {installed} has a known hole ({hole}). Update it to {'.'.join(map(str, fixed))}."


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
