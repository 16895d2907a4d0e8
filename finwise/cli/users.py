"""`finwise users`."""

import secrets
from uuid import uuid4

import click

from finwise import now
from finwise.cli.group import domain, rows
from finwise.domain import Domain
from finwise.domain.administration import PAGE
from finwise.domain.user import User
from finwise.domain.users import NewUser
from finwise.errors import Invalid
from finwise.schemas.users import NewUserSchema

_PASSWORD = click.option(
    "--ask", is_flag=True, help="Ask for the password, instead of generating one and printing it once."
)


@click.group()
def users() -> None:
    """People who may open account books."""


@users.command("list")
def list_users() -> None:
    """Show the users: e-mail, name, tenants owned, last contact of a device."""
    administration, after = domain().administration, ""
    found = [["E-MAIL", "NAME", "TENANTS", "LAST SEEN", ""]]
    while page := administration.list_users(after, PAGE):
        after = page[-1].uuid
        found += [
            [each.email, each.name, str(each.tenants), each.last_used_at or "never", "administrator" * each.is_admin]
            for each in page
        ]
    rows(found)


@users.command("add")
@click.argument("email")
@click.option("--name", help="What others see (default: the e-mail up to its @).")
@_PASSWORD
def add(email: str, name: str | None, ask: bool) -> None:
    """Add a user, regardless of FINWISE_SIGN_UP. The first one becomes an administrator."""
    password = _password(ask=ask)
    told = {"uuid": str(uuid4()), "name": name or email.strip().partition("@")[0], "email": email, "password": password}
    new = NewUser(**_valid(told))
    domain(create=True).administration.add_user(new, now())
    _tell(password, ask=ask)


@users.command("password")
@click.argument("email")
@_PASSWORD
def password(email: str, ask: bool) -> None:
    """Set another password. It revokes all of the user's tokens: every device has to log in again."""
    joined = domain()
    user = _find(joined, email)
    chosen = _password(ask=ask)
    joined.administration.change_user(user, now(), password=chosen)
    _tell(chosen, ask=ask)


@users.command("admin")
@click.argument("email")
@click.option("--off", is_flag=True, help="No longer.")
def admin(email: str, off: bool) -> None:
    """Make a user an administrator."""
    joined = domain()
    joined.administration.change_user(_find(joined, email), now(), is_admin=not off)


@users.command("delete")
@click.argument("email")
@click.confirmation_option(prompt="The books that this user has alone go to the trash. Go on?")
def delete(email: str) -> None:
    """Delete a user. Books that others may open as well need another owner first."""
    joined = domain()
    joined.administration.delete_user(_find(joined, email), now())


@users.command("invite")
def invite() -> None:
    """Print a code with which one person may sign up."""
    invited = domain().invitations.invite(None, None, None, now())
    click.echo(f"Expires {invited.invitation.expires_at}; it is shown only now:", err=True)
    click.echo(invited.code)


def _find(joined: Domain, email: str) -> User:
    return joined.administration.find_user(joined.users.uuid_of(email))


def _password(*, ask: bool) -> str:
    if not ask:
        return secrets.token_urlsafe(15)
    chosen: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    _valid({"password": chosen})
    return chosen


def _valid(members: dict[str, str]) -> dict[str, str]:
    """A user's data, validated as in signing up. Raises Invalid."""
    schema = NewUserSchema(partial=True)
    if problems := schema.validate(members):
        raise Invalid(" ".join(f"{name}: {' '.join(lines)}" for name, lines in problems.items()))
    read: dict[str, str] = schema.load(members)
    return read


def _tell(password: str, *, ask: bool) -> None:
    if not ask:
        click.echo("The password; it is shown only now:", err=True)
        click.echo(password)
