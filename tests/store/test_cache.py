"""What a connection has found is used again only as long as it holds."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from finwise.store.connection import Connection, connect, snapshot, transaction


class Counting:
    """Asks a connection how many words there are, and counts how often the file was read for it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cache = connection.cache
        self.reads = 0

    def count(self) -> int:
        """As a block does that begins."""
        self.cache.look()
        return self.recall()

    def recall(self) -> int:
        def find() -> int:
            self.reads += 1
            (number,) = self.connection.execute("SELECT count(*) FROM words").fetchone()
            return int(number)

        return self.cache.recall("words", find)

    def add(self, *words: str) -> sqlite3.Cursor:
        return self.connection.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with closing(connect(path, create=True)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("CREATE TABLE words (word UNIQUE)")
    return path


@pytest.fixture
def asked(path: Path) -> Iterator[Counting]:
    with closing(connect(path)) as connection:
        yield Counting(connection)


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """A second connection to the file."""
    with closing(connect(path)) as connection:
        yield connection


def test_nothing_is_kept_before_the_first_look(asked: Counting) -> None:
    assert (asked.recall(), asked.recall(), asked.reads) == (0, 0, 2)


def test_an_answer_is_kept_until_another_connection_commits(asked: Counting, other: sqlite3.Connection) -> None:
    assert (asked.count(), asked.count(), asked.reads) == (0, 0, 1)
    with transaction(other):
        other.execute("INSERT INTO words VALUES ('a')")
        assert (asked.count(), asked.reads) == (0, 1), "nothing is committed yet"
    assert (asked.count(), asked.count(), asked.reads) == (1, 1, 2)


def test_a_write_that_says_nothing_ends_all_answers_at_once(asked: Counting) -> None:
    asked.count()
    asked.add("a")
    assert (asked.recall(), asked.recall(), asked.reads) == (1, 1, 3), "in the block that has written"
    assert (asked.count(), asked.count(), asked.reads) == (1, 1, 4), "in the next one"


def test_what_was_found_of_a_write_that_was_undone_is_not_kept(asked: Counting) -> None:
    asked.count()
    with snapshot(asked.connection):
        asked.add("a")
        assert asked.recall() == 1
    assert asked.count() == 0


def test_a_write_that_says_what_it_changes_leaves_the_other_answers(asked: Counting) -> None:
    asked.count()
    asked.cache.told(asked.add("a", "b"))
    assert (asked.recall(), asked.reads) == (0, 1), "the write said that it changes no answer"
    asked.cache.told(asked.add("c"), {"words": 3})
    assert (asked.recall(), asked.count(), asked.reads) == (3, 3, 1)


def test_a_write_that_changes_no_row_ends_nothing(asked: Counting) -> None:
    asked.count()
    asked.cache.told(asked.add())
    asked.cache.told(asked.connection.execute("UPDATE words SET word = 'x'"))
    asked.cache.told(asked.connection.execute("DELETE FROM words"))
    assert (asked.count(), asked.reads) == (0, 1)


def test_a_write_that_says_nothing_is_not_hidden_by_one_that_does(asked: Counting) -> None:
    asked.count()
    asked.cache.told(asked.add("a"), {"words": 1})
    asked.add("b")
    asked.cache.told(asked.add("c"), {"words": 2})
    assert (asked.recall(), asked.count(), asked.reads) == (3, 3, 3)


def test_what_was_told_ends_when_another_connection_commits(asked: Counting, other: sqlite3.Connection) -> None:
    asked.count()
    told = asked.add("a")
    other.execute("INSERT INTO words VALUES ('b')")
    asked.cache.told(told, {"words": 1})
    assert (asked.count(), asked.reads) == (2, 2)


def test_after_forgetting_nothing_is_kept_until_the_next_look(asked: Counting) -> None:
    asked.count()
    asked.cache.forget()
    asked.cache.told(asked.add("a"), {"words": 99})
    assert (asked.recall(), asked.recall(), asked.reads) == (1, 1, 3)
    assert (asked.count(), asked.count(), asked.reads) == (1, 1, 4)


def test_one_answer_can_be_dropped(asked: Counting) -> None:
    asked.count()
    asked.cache.drop("words")
    asked.cache.drop("no such question")
    assert (asked.recall(), asked.recall(), asked.reads) == (0, 0, 2)
