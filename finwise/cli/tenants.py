"""`finwise tenants`."""

import click

from finwise.cli.group import domain, rows, uuid_of
from finwise.domain.administration import PAGE, TenantSummary
from finwise.domain.names import shown
from finwise.domain.times import millis_text

_MIB = 1024 * 1024


@click.group()
def tenants() -> None:
    """Account books, from outside: sizes and dates."""


@tenants.command("list")
def list_tenants() -> None:
    """Show the account books: size, quota, members, last contact of a device."""
    administration, after = domain().administration, ""
    found = [["UUID", "NAME", "STATE", "MIB", "QUOTA", "MEMBERS", "LAST SYNC"]]
    while page := administration.list_tenants(after, PAGE):
        after = page[-1].tenant.uuid
        found += [_row(summary) for summary in page]
    rows(found)


@tenants.command("quota")
@click.argument("uuid")
@click.argument("mib", type=click.IntRange(1, 1_048_576), required=False)
def quota(uuid: str, mib: int | None) -> None:
    """Set how many MiB an account book may hold (default: FINWISE_QUOTA_MIB)."""
    summary = domain().administration.put_quota(uuid_of(uuid), mib)
    click.echo(f"{shown(summary.tenant.name)} may hold {summary.quota_bytes // _MIB} MiB.")


def _row(summary: TenantSummary) -> list[str]:
    return [
        summary.tenant.uuid,
        summary.tenant.name,
        summary.tenant.state,
        "?" if summary.bytes is None else f"{summary.bytes / _MIB:.1f}",
        str(summary.quota_bytes // _MIB),
        str(summary.members),
        millis_text(summary.synced_at) if summary.synced_at else "never",
    ]
