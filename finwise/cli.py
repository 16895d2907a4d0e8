"""The command line: `finwise --help`."""

import json
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from finwise import config, create_domain, demo, now
from finwise.domain import Domain
from finwise.domain.exchange import export_book, import_book
from finwise.domain.identifiers import canonical_uuid
from finwise.errors import BadSetting, FinWiseError
from finwise.version import __version__

STOP_SECONDS = 10  # what a server's processes have to answer what they are at when it is told to stop


class _Group(click.Group):
    """Says what went wrong in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FinWiseError as error:
            raise click.ClickException(error.detail) from error


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="finwise")
def main() -> None:
    """Keeps every device of a household's account book in step.

    Settings are environment variables: the README lists them.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in config.unknown_variables():
        click.echo(f"{name} is no setting of FinWise: is it misspelled?", err=True)


@main.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1), help="Number of processes.")
@click.option("--threads", type=click.IntRange(1), help="Number of threads in each process.")
@click.option("--demo", "with_demo", is_flag=True, help="Fill a demo book, and say how to log in to it.")
def serve(with_demo: bool, **options: str | int | None) -> None:
    """Serve the API until Ctrl+C."""
    settings = config.with_options(config.from_environment(), options)
    if settings.in_memory:
        raise BadSetting("Tenants in memory are for unit tests. Set FINWISE_TENANT_DATABASES to a folder.")
    _require_free(settings.host, settings.port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}{settings.url_prefix}"
    domain = create_domain(settings)
    click.echo(f"FinWise {__version__} on {url} (API document: {url}/docs). Ctrl+C ends it.")
    if with_demo:
        click.echo(demo.create(domain, now()).instructions(url))
    domain.close()
    _serve(settings)


def _require_free(host: str, port: int) -> None:
    """Raises BadSetting where something listens already: the server itself would share the port with it."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError:
        raise BadSetting(f"{host} port {port} cannot be used. Stop what listens there, or choose another.") from None


def _serve(settings: config.Settings) -> None:
    from granian import Granian  # here, for the other commands do not need it
    from granian.constants import Interfaces
    from granian.log import LogLevels

    config.to_environment(settings)
    Granian(
        "finwise:create_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,  # one told to stop while it starts would never be heard of again
        log_level=LogLevels.error,
    ).serve()


@main.group()
def tokens() -> None:
    """Tokens, by which devices log in."""


@tokens.command("add")
@click.argument("email")
@click.option("--device", default="command line", show_default=True, help="What the token is called in the list.")
def add_token(email: str, device: str) -> None:
    """Make a token for the user with this e-mail, and print it once."""
    issued = _domain().tokens.add_for(email, device, now())
    click.echo(f"Expires {issued.token.expires_at}; it is shown this once:", err=True)
    click.echo(issued.secret)


@main.command("import")
@click.argument("book", type=click.File("rb"))
@click.option("--tenant", "tenant_id", required=True, metavar="UUID", help="The tenant to write to.")
@click.option("--now", "dated_now", is_flag=True, help="Date every entity now, so that it wins over what is stored.")
def import_(book: IO[bytes], tenant_id: str, dated_now: bool) -> None:
    """Write the entities of BOOK (JSON, `-`: standard input) to a tenant.

    They go the way of a device's push: what is stored and newer stays, and devices receive the rest at their next pull.
    """
    domain = _domain()
    tenant = domain.tenants.as_operator(canonical_uuid(tenant_id))
    with _progress("Importing") as advance:
        outcome = import_book(domain.sync, tenant.uuid, book.read(), now, advance, dated_now=dated_now)
    click.echo(outcome.summary())
    for line in outcome.rejected[:10]:
        click.echo(f"  {line}", err=True)
    if outcome.rejected:
        sys.exit(1)


@main.command()
@click.option("--tenant", "tenant_id", required=True, metavar="UUID", help="The tenant to read.")
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
def export(tenant_id: str, file: IO[str]) -> None:
    """Write a tenant's living entities as JSON to FILE (default: standard output); `finwise import` reads it."""
    domain = _domain()
    tenant = domain.tenants.as_operator(canonical_uuid(tenant_id))
    json.dump(export_book(domain.sync, tenant.uuid), file, ensure_ascii=False, indent=1)
    file.write("\n")


def _domain() -> Domain:
    """The rules joined to their stores, until the command ends."""
    domain = create_domain(config.from_environment())
    click.get_current_context().call_on_close(domain.close)
    return domain


@contextmanager
def _progress(label: str) -> Iterator[Any]:
    """A function `advance(done, total)`: a bar on a terminal, a line for each step otherwise."""
    if sys.stderr.isatty():
        with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            yield advance
        return

    def say(done: int, total: int) -> None:
        click.echo(f"{label}: {done} of {total}", err=True)

    yield say
