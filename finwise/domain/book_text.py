"""A book as one JSON text: entity_type -> a list of entities with `id`, `created_at`, `updated_at` beside their fields.

Both ways go piece by piece, so that a large book takes no more memory than a small one.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

from finwise.domain import json_text
from finwise.domain.change import Entity
from finwise.domain.sync import Sync
from finwise.errors import Invalid

_PIECE = 256 * 1024  # characters of a book that are sent at once
_MOST_NAME = 1_024  # characters of the name of an entity type
_ESCAPED = 6  # characters that a byte may take in JSON
_SPACE = re.compile(r"[ \t\r\n]*+")
_IN_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
# What stands between brackets, strings included. Possessive, so that hostile text costs linear time.
_UP_TO_BRACKET = re.compile(r'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)


class BookText:
    """The entities of a book's text in UTF-8, or in whichever Unicode encoding it begins; read once.

    `size`: the bytes of all pieces. `change_bytes`: those that a change may have.
    """

    def __init__(self, pieces: Iterable[bytes], size: int, change_bytes: int) -> None:
        self._pieces = pieces
        self._size = size
        self._most = _ESCAPED * change_bytes + _PIECE
        self._taken = 0

    @property
    def share(self) -> float:
        """How much of it was read, from 0 to 1."""
        return self._taken / self._size if self._size else 1.0

    def __iter__(self) -> Iterator[tuple[str, object]]:
        """Each entity with its type; what is odd in it is marked (json_text.py). Raises Invalid if it is no book."""
        text = _Text(_decode(self._count()), self._most)
        text.expect("{")
        if not text.accept("}"):
            while True:
                entity_type = text.name()
                text.expect(":")
                text.expect("[")
                if not text.accept("]"):
                    while True:
                        yield entity_type, json_text.parse(text.object().encode(errors="surrogatepass"))
                        if not text.accept(","):
                            break
                    text.expect("]")
                if not text.accept(","):
                    break
            text.expect("}")
        text.end()

    def _count(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._taken += len(piece)
            yield piece


@contextmanager
def book_text(sync: Sync, tenant_id: str) -> Iterator[Iterator[str]]:
    """A tenant's living entities as JSON text, one entity per line, in one snapshot, while the context is open.

    The entity's `id`, `created_at` and `updated_at` replace fields of these names in its `data`. Raises what
    Sync.living raises.
    """
    with sync.living(tenant_id) as types:
        yield _join_lines(_lines(types))


class _Text:
    """A text that is read from its beginning to its end, of which a part is in memory."""

    def __init__(self, pieces: Iterator[str], most: int) -> None:
        self._pieces = pieces
        self._most = most
        self._text = ""
        self._at = 0

    def accept(self, sign: str) -> bool:
        """Whether this sign comes next, after spaces; then it is passed."""
        is_there = self._next() == sign
        self._at += is_there
        return is_there

    def expect(self, sign: str) -> None:
        """Passes a sign. Raises Invalid if another comes next."""
        if not self.accept(sign):
            raise _no_book()

    def end(self) -> None:
        """Raises Invalid if anything but spaces is left."""
        if self._next():
            raise _no_book()

    def name(self) -> str:
        """Passes a string. Raises Invalid if there is none."""
        self.expect('"')
        while (end := _end(_IN_STRING, self._text, self._at)) == len(self._text) or self._text[end] != '"':
            self._read_on(self._at, _MOST_NAME)
        name = self._text[self._at : end]
        self._at = end + 1
        try:
            return str(json.loads(f'"{name}"'))
        except ValueError:
            raise _no_book() from None

    def object(self) -> str:
        """Passes an object, of which the brackets alone are looked at. Raises Invalid if there is none."""
        self.expect("{")
        start, depth = self._at - 1, 1
        while depth:
            self._at = _end(_UP_TO_BRACKET, self._text, self._at)
            if self._at == len(self._text) or self._text[self._at] == '"':  # there it ends, or within a string
                self._read_on(start, self._most)
                start = 0
            else:
                depth += 1 if self._text[self._at] in "[{" else -1
                self._at += 1
        return self._text[start : self._at]

    def _next(self) -> str:
        """The sign that comes next, after spaces; empty at the end."""
        while True:
            self._at = _end(_SPACE, self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            self._text, self._at = next(self._pieces, ""), 0
            if not self._text:
                return ""

    def _read_on(self, start: int, most: int) -> None:
        """Reads another piece and keeps the text from `start` on. Raises Invalid if that has more than `most`."""
        self._text, self._at = self._text[start:], self._at - start
        if len(self._text) > most:
            raise Invalid(f"A part of this book is longer than {most} characters. Nothing was stored.")
        piece = next(self._pieces, "")
        if not piece:
            raise _no_book()
        self._text += piece


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of the match of a pattern that matches everywhere."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _decode(pieces: Iterator[bytes]) -> Iterator[str]:
    """Text in whichever Unicode encoding it begins. Raises Invalid if it cannot be read as text."""
    begin = b""
    for piece in pieces:
        begin += piece
        if len(begin) >= 4:
            break
    decoder = codecs.getincrementaldecoder(json.detect_encoding(begin))()
    try:
        yield from filter(None, map(decoder.decode, chain([begin], pieces)))
        yield decoder.decode(b"", final=True)
    except UnicodeError:
        raise Invalid("The book cannot be read as text. Save it as JSON in UTF-8.") from None


def _no_book() -> Invalid:
    return Invalid("This is not a book: give an object of entity types, each with a list of entities.")


def _join_lines(lines: Iterator[str]) -> Iterator[str]:
    """The lines in pieces: a small book is one, which is there as a whole or not at all."""
    piece: list[str] = []
    size = 0
    for line in lines:
        piece.append(line)
        size += len(line)
        if size >= _PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


def _lines(types: Iterator[tuple[str, Iterator[Entity]]]) -> Iterator[str]:
    yield "{"
    separator = "\n"
    for entity_type, entities in types:
        start = f'{separator}"{entity_type}": [\n'
        for entity in entities:
            yield f"{start} {_entity_text(entity)}"
            start = ",\n"
        if start == ",\n":  # there were some
            yield "\n]"
            separator = ",\n"
    yield "\n}\n"


def _entity_text(entity: Entity) -> str:
    data = json_text.read_own(entity.data or "null")
    own = {"created_at": entity.created_at, "updated_at": entity.updated_at}
    return json_text.write({"id": entity.id} | data | {"id": entity.id} | own)
