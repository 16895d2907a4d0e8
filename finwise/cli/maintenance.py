"""`finwise compact`."""

import click

from finwise import now
from finwise.cli.group import domain, end, progress, say_count, uuid_of
from finwise.errors import FinWiseError


@click.command()
@click.option("--tenant", "tenant_id", metavar="UUID", help="Only this tenant, and not the trash.")
def compact(tenant_id: str | None) -> None:
    """Forget old deletions, conflicts and files in the trash, and give the space back.

    The settings say how old. The server does the same by itself, see FINWISE_MAINTENANCE_HOURS.
    """
    joined = domain()
    chosen = [uuid_of(tenant_id)] if tenant_id else joined.tenants.ids_with_files()
    problems: list[str] = []
    with progress("Compacting") as advance:
        for done, uuid in enumerate(chosen, start=1):
            try:
                purged = joined.maintenance.run_for(joined.tenants.as_operator(uuid).uuid, now())
                deletions, conflicts = say_count(purged.tombstones, "deletion"), say_count(purged.conflicts, "conflict")
                click.echo(f"{uuid}: {deletions} and {conflicts} forgotten.")
            except FinWiseError as error:
                problems.append(f"{uuid}: {error.detail}")
            advance(done, len(chosen))
    if not tenant_id:
        click.echo(f"{say_count(joined.maintenance.purge_trash(now()), 'file')} removed from the trash.")
    end(problems)
