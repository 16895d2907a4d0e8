"""The command line: `finwise --help`."""

from finwise.cli import backups, books, check, restores, serving, tenants, tokens, upkeep, users
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
    upkeep.compact,
    backups.litestream,
    check.check,
):
    main.add_command(command)
