"""`finwise import` and `finwise export`: a book as one JSON file."""

import json
import sys
from typing import IO

import click

from finwise import now
from finwise.cli.group import domain, progress, uuid_of
from finwise.domain.exchange import book_text, import_book
from finwise.domain.names import shown
from finwise.errors import Invalid


@click.command("import")
@click.argument("book", type=click.File("rb"))
@click.option("--tenant", "tenant_id", required=True, metavar="UUID", help="The tenant to write to.")
@click.option("--now", "dated_now", is_flag=True, help="Date every entity now, so that it wins over what is stored.")
def import_(book: IO[bytes], tenant_id: str, dated_now: bool) -> None:
    """Write the entities of BOOK (JSON, `-`: standard input) to a tenant.

    BOOK is in UTF-8, with or without a byte order mark, or in UTF-16 as Windows PowerShell writes it.

    This works like a device's push: newer stored versions stay, and devices receive the rest at their next pull.
    A version that BOOK does not know and replaces is kept as a conflict. With --now, BOOK knows the versions that its
    times name.
    """
    joined = domain()
    tenant = joined.tenants.as_operator(uuid_of(tenant_id))
    with progress("Importing") as advance:
        outcome = import_book(joined.sync, tenant.uuid, _in_utf_8(book.read()), now, advance, dated_now=dated_now)
    click.echo(outcome.summary())
    for line in outcome.rejected[:10]:
        click.echo(f"  {shown(line)}", err=True)
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


def _in_utf_8(text: bytes) -> bytes:
    """JSON text in UTF-8, whichever Unicode encoding it came in. Raises Invalid."""
    try:
        return text.decode(json.detect_encoding(text)).encode()
    except UnicodeError:
        raise Invalid("BOOK cannot be read as text. Save it as JSON in UTF-8.") from None
