"""No push and no pull reads a whole table: what they cost does not grow with the book."""

from finwise.domain.sync import PullRequest
from tests.domain.memory import MemoryBook, databases
from tests.household import change

LARGE = ("sync_entities", "sync_change_ids")


def plans(book: MemoryBook, statements: list[str]) -> list[str]:
    """What SQLite says of how it would run each of the statements."""
    found = []
    with databases().read(book.tenant_id) as connection:
        for statement in statements:
            if statement.lstrip().split()[0] in ("SELECT", "UPDATE", "INSERT", "DELETE"):
                rows = connection.execute("EXPLAIN QUERY PLAN " + statement).fetchall()
                found += [row[3] for row in rows]
    return found


def test_pushes_and_pulls_find_what_they_are_about_by_an_index() -> None:
    said: list[str] = []
    with MemoryBook() as book:
        book.push([change("a"), change("b")], 1)
        with databases().read(book.tenant_id) as connection:
            connection.set_trace_callback(said.append)
        book.push([change("a", updated_at="2026-02-01T00:00:00Z"), change("b"), change("c")], 2)
        book.push([change("a", updated_at="2025-01-01T00:00:00Z", base_updated_at=None)], 3)
        book.sync.pull(book.tenant_id, PullRequest(limit=1))
        with databases().read(book.tenant_id) as connection:
            connection.set_trace_callback(None)
        steps = plans(book, said)
    assert any("sync_entities_id" in step for step in steps)
    assert any("sync_entities_stamp" in step for step in steps)
    in_order = "USING INDEX sync_entities_stamp"  # a pull from the beginning, which ends with its last row
    scans = [step for step in steps if step.startswith(tuple(f"SCAN {table}" for table in LARGE))]
    assert [step for step in scans if not step.endswith(in_order)] == []
