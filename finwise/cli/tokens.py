"""`finwise tokens`."""

import click

from finwise import now
from finwise.cli.group import domain


@click.group()
def tokens() -> None:
    """Tokens, by which devices log in."""


@tokens.command("add")
@click.argument("email")
@click.option("--device", default="command line", show_default=True, help="What the token is called in the list.")
def add(email: str, device: str) -> None:
    """Make a token for the user with this e-mail, and print it once."""
    issued = domain().tokens.add_for(email, device, now())
    click.echo(f"Expires {issued.token.expires_at}; it is shown this once:", err=True)
    click.echo(issued.secret)
