"""How large a file may grow: SQLite refuses the page that would take it above its quota."""

from finwise.store.connection import Connection

_MOST_PAGES = 2**30 - 1  # SQLite's own default
_COUNT = "page_count"


def set_page_limit(connection: Connection, max_bytes: int) -> None:
    """Keeps the file from growing beyond `max_bytes`, or at all if it is longer than that."""
    pages = max_bytes // connection.page_size
    found = connection.cache.recall(_COUNT, lambda: connection.pragma("page_count"))
    connection.max_bytes, connection.is_longer = max_bytes, found > pages
    if max(pages, found) != connection.max_pages:
        connection.max_pages = connection.pragma(f"max_page_count = {max(pages, found):d}")


def lift_page_limit(connection: Connection) -> None:
    """Lets the file grow as far as the disk has room, until `set_page_limit` is called again."""
    connection.max_pages = connection.pragma(f"max_page_count = {_MOST_PAGES:d}")
    connection.cache.drop(_COUNT)
