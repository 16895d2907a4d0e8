"""`finwise tokens`."""

import click

from finwise import now
from finwise.cli.group import domain, name_of, uuid_of
from finwise.domain.tokens import NewToken


@click.group()
def tokens() -> None:
    """Tokens, by which devices log in."""


@tokens.command("add")
@click.argument("email")
@click.option("--device", default="command line", show_default=True, help="What the token is called in the list.")
@click.option("--tenant", "tenant_id", metavar="UUID", help="The only tenant that it opens, for a script.")
@click.option("--read-only", is_flag=True, help="It may only read, for a script.")
def add(email: str, device: str, tenant_id: str | None, read_only: bool) -> None:
    """Make a token for the user with this e-mail, and print it once."""
    new = NewToken(name_of(device, "--device"), tenant_id and uuid_of(tenant_id), read_only)
    issued = domain().tokens.add_for(email, new, now())
    click.echo(f"Expires {issued.token.expires_at}; it is shown only now:", err=True)
    click.echo(issued.secret)
