"""The configuration of Litestream, which replicates SQLite files continuously (docs/reliability.md)."""

import json
from pathlib import Path

TABLES = ("_litestream_seq", "_litestream_lock")  # it makes them in every file that it replicates

_TEXT = """\
# Litestream replicates FinWise's files with this (docs/reliability.md). Start it with
#   litestream replicate -no-expand-env -config litestream.yml
# and again after each restore of a tenant: a file that was replaced is not replicated until then.
dbs:
  - path: {users_db}
    replica:
      {kind}: {users_replica}
  - dir: {tenant_databases}
    pattern: "tenant_*.db"
    watch: true
    replica:
      {kind}: {tenants_replica}
"""


def configuration(users_db: Path, tenant_databases: Path, replica: str) -> str:
    """A litestream.yml for users.db and all tenants, those to come included; `replica`: a folder or an s3:// URL."""
    is_url = "://" in replica
    base = replica if is_url else str(Path(replica).absolute())
    return _TEXT.format(
        kind="url" if is_url else "path",
        users_db=_quote(str(users_db.absolute())),
        users_replica=_quote(_below(base, "users.db", is_url)),
        tenant_databases=_quote(str(tenant_databases.absolute())),
        tenants_replica=_quote(_below(base, "tenant_databases", is_url)),
    )


def _below(base: str, name: str, is_url: bool) -> str:
    """The place `name` in a replica; a URL may end with a query, such as `?endpoint=…`."""
    if not is_url:
        return str(Path(base, name))
    address, mark, query = base.partition("?")
    return f"{address.rstrip('/')}/{name}{mark}{query}"


def _quote(text: str) -> str:
    """A string of YAML: those of JSON are some, whatever is in them."""
    return json.dumps(text, ensure_ascii=False)
