"""The command line: `finwise --help`."""

from finwise.cli import backups, books, check, maintenance, restores, serving, tenants, tokens, users
from finwise.cli.group import main

__all__ = ["main"]

for command in (
    serving.serve,
    users.users,
    tenants.tenants,
    tokens.tokens,
    books.import_,
    books.export,
    backups.backup,
    restores.restore,
    backups.verify,
    maintenance.compact,
    backups.litestream,
    check.check,
):
    main.add_command(command)
