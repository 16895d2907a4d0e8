"""The stores that there are keep the contract of harness/contract."""

import pytest

from finwise import entities
from finwise.store.book import Books
from finwise.store.databases import Databases
from harness.contract.books import BooksContract, Stores
from harness.memory import MemoryDatabases


class TestBooksInFiles(BooksContract):
    """SQLite files, as FinWise keeps them."""

    @pytest.fixture
    def stores(self, databases: Databases) -> Stores:
        return Stores(databases, Books(databases))


class TestBooksInMemory(BooksContract):
    """SQLite in memory, for quick tests of the rules."""

    @pytest.fixture
    def stores(self) -> Stores:
        databases = MemoryDatabases(entities.columns())
        return Stores(databases, Books(databases))
