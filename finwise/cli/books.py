"""`finwise import` and `finwise export`: a book as one JSON file."""

import sys
from collections.abc import Iterator
from typing import IO

import click

from finwise import now
from finwise.cli.group import domain, progress, uuid_of
from finwise.domain.book_text import book_text
from finwise.domain.imports import Outcome, import_book
from finwise.domain.names import shown

_PIECE = 256 * 1024  # bytes


@click.command("import")
@click.argument("book", type=click.File("rb"))
@click.option("--tenant", "tenant_id", required=True, metavar="UUID", help="The tenant to write to.")
@click.option("--now", "dated_now", is_flag=True, help="Date every entity now, so that it wins over what is stored.")
def import_(book: IO[bytes], tenant_id: str, dated_now: bool) -> None:
    """Write the entities of BOOK (`-`: standard input) to a tenant, all of them or none.

    BOOK is an export of this server, as JSON or SQLite, or a SQLite file with a table for each entity type. JSON is in
    UTF-8, with or without a byte order mark, or in UTF-16 as Windows PowerShell writes it.

    This works like a device's push: newer stored versions stay, and devices receive the rest at their next pull.
    A version that BOOK does not know and replaces is kept as a conflict. With --now, BOOK knows the versions that its
    times name.
    """
    joined = domain()
    tenant = joined.tenants.as_operator(uuid_of(tenant_id))
    with joined.uploads.of(_pieces(book)) as brought, progress("Importing, percent") as advance:
        for step in import_book(joined.sync, tenant.uuid, brought, now(), dated_now=dated_now):
            if isinstance(step, Outcome):
                outcome = step
            else:
                advance(round(step.share * 100), 100)
    click.echo(outcome.summary())
    for refused in outcome.rejections[:10]:
        click.echo(f"  {shown(str(refused))}", err=True)
    if outcome.rejected:
        sys.exit(1)


@click.command()
@click.option("--tenant", "tenant_id", required=True, metavar="UUID", help="The tenant to read.")
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True), default="-")
def export(tenant_id: str, file: IO[str]) -> None:
    """Write a tenant's living entities as JSON to FILE (default: standard output); `finwise import` reads it."""
    joined = domain()
    tenant = joined.tenants.as_operator(uuid_of(tenant_id))
    with book_text(joined.sync, tenant.uuid) as text:
        file.writelines(text)
        file.flush()  # here, so that a full disk is reported like any other error


def _pieces(book: IO[bytes]) -> Iterator[bytes]:
    while piece := book.read(_PIECE):
        yield piece
