"""Looking at books and files that restores may change."""

from pathlib import Path

from finwise.config import Settings
from finwise.domain import Domain
from finwise.domain.sync import PullRequest
from tests.store.files import outside


def ids(domain: Domain, tenant_id: str) -> set[str]:
    return {version.id for version in domain.sync.pull(tenant_id, PullRequest()).entities}


def epoch(domain: Domain, tenant_id: str) -> str:
    return domain.sync.pull(tenant_id, PullRequest()).epoch


def trash_of(root: Path, tenant_id: str) -> Path:
    """The one file of the tenant in the trash."""
    (found,) = (root / "tenant_databases" / "trash").glob(f"*_tenant_{tenant_id}.db")
    return found


def picture(settings: Settings) -> object:
    """Everything a restore could change, of all tenants."""
    files = [path for path in Path(settings.tenant_databases).rglob("*") if path.suffix in (".db", ".partial")]
    with outside(Path(settings.users_db)) as connection:
        rows = connection.execute("SELECT * FROM tenants ORDER BY uuid").fetchall()
    return rows, {path: path.read_bytes() for path in files}
