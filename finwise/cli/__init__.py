"""The command line: `finwise --help`."""

from finwise.cli import backups, books, restores, serving, tokens, upkeep
from finwise.cli.group import main

__all__ = ["main"]

for command in (
    serving.serve,
    tokens.tokens,
    books.import_,
    books.export,
    backups.backup,
    restores.restore,
    backups.verify,
    upkeep.compact,
    backups.litestream,
):
    main.add_command(command)
