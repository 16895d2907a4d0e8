"""`finwise backup`, `finwise verify`, `finwise litestream`: copies, and whether files are intact."""

from pathlib import Path

import click

from finwise import config, now
from finwise.cli.group import domain, end, progress, say_count, uuid_of
from finwise.domain import Domain
from finwise.domain.backups import problems_of as backup_problems
from finwise.errors import NotFound
from finwise.store.backups import KeptArchives
from finwise.store.litestream import configuration


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--tenant", "tenant_id", metavar="UUID", help="Only this tenant, without users.db.")
def backup(folder: Path, tenant_id: str | None) -> None:
    """Copy every file to a new folder in FOLDER, check each copy, and write a manifest.

    The server may keep running. Everything it acknowledged before is in the backup.
    """
    with progress("Copying") as advance:
        made = domain().backups.make(folder, now(), tenant_id and uuid_of(tenant_id), advance)
    number = len(made.manifest.tenants)
    what = (
        say_count(number, "tenant") if number or made.manifest.problems else "users.db alone, for there are no tenants"
    )
    click.echo(f"{made.folder}: {what}.")
    for name in made.leftovers.removed:
        click.echo(f"{name}, which a backup that died had left, was removed.")
    for name in made.leftovers.kept:
        click.echo(f"{name} is not complete: a backup is under way, or died. A day later the next one removes it.")
    end(made.manifest.problems)


@click.command()
@click.option("--tenant", "tenant_id", metavar="UUID", help="Only this tenant.")
@click.option(
    "--backup",
    "archive",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Check a backup instead of this installation.",
)
def verify(tenant_id: str | None, archive: Path | None) -> None:
    """Check that files are intact: SQLite's check, a checksum per entity, digests.

    A tenant with a damaged file is quarantined; one that is quarantined and intact is released.
    """
    found = backup_problems(KeptArchives(), archive) if archive else _verify(domain(), tenant_id and uuid_of(tenant_id))
    if not found:
        click.echo("Intact.")
    end(found)


@click.command()
@click.option("--to", "replica", required=True, help="Where to replicate: a folder, or s3://bucket/path.")
def litestream(replica: str) -> None:
    """Print a configuration for Litestream, which replicates every file continuously (docs/reliability.md)."""
    domain()
    settings = config.from_environment()
    click.echo(configuration(settings.users_db, settings.tenants_folder, replica), nl=False)


def _verify(joined: Domain, tenant_id: str | None) -> list[str]:
    found = [] if tenant_id else [f"users.db: {line}" for line in joined.verification.verify_users()]
    chosen = [uuid for uuid in joined.tenants.ids_with_files() if tenant_id in (None, uuid)]
    if tenant_id and not chosen:
        raise NotFound("There is no such tenant.")
    with progress("Verifying") as advance:
        for done, uuid in enumerate(chosen, start=1):
            problems = joined.verification.verify(uuid)
            found += [f"tenant {uuid}: {line}" for line in problems]
            if not problems and joined.verification.release(uuid):
                click.echo(f"tenant {uuid} is intact and back in use.")
            advance(done, len(chosen))
    return found
