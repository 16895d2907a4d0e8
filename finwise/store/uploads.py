"""Books that people bring as a file: it lies on the disk while it is read, so that its size takes no memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from finwise.domain.book_text import BookText
from finwise.domain.imports import BroughtBook
from finwise.store.copies import COPIES, pieces
from finwise.store.folder import Folder, remove_database
from finwise.store.foreign_book import SQLITE, ForeignBook
from finwise.store.permissions import hand_over
from finwise.store.sqlite_errors import translated


class Uploads:
    """Files that were brought. They lie among the copies, so what a dead process left is removed with these."""

    def __init__(self, folder: Folder, change_bytes: int) -> None:
        self._folder = folder
        self._change_bytes = change_bytes

    @contextmanager
    def of(self, content: Iterable[bytes]) -> Iterator[BroughtBook]:
        """The book in a file of this content, JSON or SQLite, while the context is open.

        Raises StorageFull and the like if it cannot be kept; reading it raises Invalid.
        """
        with translated():
            file = self._folder.below(COPIES) / f"{uuid4()}.db"
        try:
            with translated():
                _write(file, content)
                book = _book(file, self._change_bytes)
            yield book
        finally:
            with suppress(OSError):  # it went with its folder
                remove_database(file)


def _write(file: Path, content: Iterable[bytes]) -> None:
    file.touch(mode=0o600, exist_ok=False)
    hand_over(file)
    with file.open("wb") as opened:
        for piece in content:
            opened.write(piece)


def _book(file: Path, change_bytes: int) -> BroughtBook:
    with file.open("rb") as opened:
        is_database = opened.read(len(SQLITE)) == SQLITE
    return ForeignBook(file) if is_database else BookText(pieces(file), file.stat().st_size, change_bytes)
