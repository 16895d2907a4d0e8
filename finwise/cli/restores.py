"""`finwise restore`."""

from pathlib import Path

import click

from finwise import now
from finwise.cli.group import domain, name_of, progress, say_count, uuid_of
from finwise.domain import Domain
from finwise.domain.names import shown
from finwise.domain.restores import Newcomer
from finwise.domain.times import millis_text

_Folder = click.Path(exists=True, file_okay=False, path_type=Path)
_File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--tenant", "tenant_id", metavar="UUID", help="The tenant to restore; the others are not touched.")
@click.option(
    "--backup", "archive", type=_Folder, help="From a backup. Without --tenant: everything, into an empty installation."
)
@click.option("--trash", is_flag=True, help="Out of the trash: a deleted tenant, or what the last restore replaced.")
@click.option("--adopt", "file", type=_File, help="A tenant's file from elsewhere, for example from Litestream.")
@click.option("--owner", metavar="EMAIL", help="Its owner, if this installation does not know the tenant.")
@click.option("--name", help="Its name in that case.")
def restore(
    tenant_id: str | None, archive: Path | None, trash: bool, file: Path | None, owner: str | None, name: str | None
) -> None:
    """Replace a tenant's file. The server may keep running.

    The present file goes to the trash. The tenant gets a new epoch: its devices load it again, and give back what the
    restored file lacks and they still have. Run an interrupted restore of everything again to complete it.
    """
    if [archive is not None, trash, file is not None].count(True) != 1:
        raise click.UsageError("Give one of --backup, --trash and --adopt.")
    if name and not owner:
        raise click.UsageError("--name is for a tenant that gets an --owner.")
    if tenant_id is None:
        if archive is None or owner:
            raise click.UsageError("Name the tenant with --tenant.")
        _restore_everything(archive)
        return
    uuid = uuid_of(tenant_id)
    newcomer = Newcomer(owner, name and name_of(name, "--name")) if owner else None
    joined = domain(restore=True)
    restores = joined.restores
    if archive:
        tenant = restores.from_backup(uuid, archive, now(), newcomer)
    elif file:
        tenant = restores.adopt(uuid, file, now(), newcomer)
    else:
        tenant = restores.from_trash(uuid, now(), newcomer)
    click.echo(f"{shown(tenant.name)} ({tenant.uuid}) is restored: {_describe(joined, tenant.uuid)}.")


def _describe(joined: Domain, tenant_id: str) -> str:
    """Says what a book holds and how old it is, so that people notice an unexpectedly old state."""
    with joined.sync.initial(tenant_id, None) as load:
        number = sum(map(len, load.chunks))
        if not load.next_stamp:
            return "an empty book"
        return f"{say_count(number, 'entity', 'entities')}, last changed {millis_text(load.next_stamp)}"


def _restore_everything(archive: Path) -> None:
    with progress("Restoring") as advance:
        number = domain(create=True, restore=True).restores.everything(archive, now(), advance)
    click.echo(f"Restored: users.db and {say_count(number, 'tenant')}.")
