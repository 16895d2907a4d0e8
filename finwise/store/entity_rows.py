"""The rows of sync_entities: how a version is written into one, and how rows are read and checked.

An entity's text begins as `entity_text` writes it, so that its type is found without reading the JSON. What selects
rows (a stamp in an index, `is_deleted`) may be damaged as well as what stands in them. So SQL selects as little as
possible, and what was read is compared with sums kept elsewhere, or with the rows beside it.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import compress
from zlib import adler32

from finwise.domain.change import Row, Version, entity_text, read_entity
from finwise.domain.limits import MAX_TEXT
from finwise.errors import quarantined
from finwise.store.checksum import are_intact, entity_checksum, row_crc
from finwise.store.id_hash import id_hash

_FEW = 32  # rows fetched at once, if they are small; each may have the size of a change, 256 KiB
_PIECE = 262_144  # bytes of texts fetched at once, and in a chunk of a first load, of which there are many at once
_CHUNK = 384  # texts of a first load in memory at once, if they are small

StoredRow = tuple[int, int, int, int, bytes, str, str | None]


def row_of(version: Version) -> tuple[int, int, int, int, int, str, str, str | None]:
    """What stands in a version's row of sync_entities, in the order of its columns."""
    stamp, _, entity_id, _, _, data, change_id, device_id = version
    text = entity_text(version)
    encoded = text.encode()
    return (
        stamp,
        id_hash(entity_id),
        1 if data is None else 0,
        entity_checksum(stamp, encoded),
        row_crc(encoded, change_id, device_id),
        text,
        change_id,
        device_id,
    )


def weight(stamp: int, is_deleted: int, checksum: int) -> int:
    """What a row adds to its type's sum: the Adler-32 of a living entity's text."""
    return 0 if is_deleted else checksum - stamp


def intact_version(row: StoredRow) -> Version:
    """The version of a row: stamp, is_deleted, checksum, crc, entity in UTF-8, change_id, device_id.

    Raises Quarantined if it is damaged: if it were judged against or kept as a conflict, the damage would get a
    checksum that fits.
    """
    stamp, is_deleted, kept, crc, text, change_id, device_id = row
    if type(text) is not bytes or type(stamp) is not int or entity_checksum(stamp, text) != kept:
        raise quarantined()
    version = Version(stamp, *read_entity(text), change_id, device_id)
    if row_crc(text, change_id, device_id) != crc or (version.data is None) != bool(is_deleted):
        raise quarantined()
    return version


def stored_after(
    connection: sqlite3.Connection, after: int, until: int, entity_types: Collection[str] | None, limit: int
) -> tuple[list[Row], bool]:
    """At most `limit` rows with after < stamp <= until, by stamp; they end early with the one that reaches MAX_TEXT.

    It reads from the row before on and past the end: a damaged stamp in the index leads a search to the row beside it,
    and would end one that has an upper bound. Raises Quarantined.
    """
    try:
        with closing(_rows_from(connection, after)) as rows:  # a half-read cursor would hold its snapshot open
            return _check(rows, after, until, _type_bytes(entity_types), limit)
    except TypeError:  # a damaged row has something else than numbers and texts
        raise quarantined() from None


def _rows_from(connection: sqlite3.Connection, after: int) -> sqlite3.Cursor:
    """The rows by stamp, from the one before `after` on; if there is none, from the first, whatever its stamp says."""
    before = connection.execute(
        "SELECT stamp FROM sync_entities WHERE stamp <= ? ORDER BY stamp DESC LIMIT 1", (after,)
    ).fetchone()
    if before is None:
        return connection.execute(
            "SELECT stamp, CAST(entity AS BLOB), checksum - stamp FROM sync_entities ORDER BY stamp"
        )
    if before[0] is None or before[0] > after:  # the entry of the index is damaged
        raise quarantined()
    return connection.execute(
        "SELECT stamp, CAST(entity AS BLOB), checksum - stamp FROM sync_entities WHERE stamp >= ? ORDER BY stamp",
        before,
    )


def _check(
    rows: Iterable[tuple[int, bytes, int]], after: int, until: int, wanted: frozenset[bytes] | None, limit: int
) -> tuple[list[Row], bool]:
    """What `stored_after` returns, of rows that begin with the one before. Raises Quarantined if one is damaged.

    A damaged index brings rows again or in another order, or leads the search for the row before to somewhere else.
    """
    found: list[Row] = []
    size = last = 0
    for stamp, text, kept in rows:
        if adler32(text) != kept or stamp <= last or (last and stamp <= after):
            raise quarantined()
        last = stamp
        if stamp > until or len(found) == limit:
            break
        if size >= MAX_TEXT:
            return found, True
        if stamp > after and (wanted is None or _type_of(text) in wanted):
            found.append((stamp, text))
            size += len(text)
    return found, False


def living(
    connection: sqlite3.Connection, entity_types: Collection[str] | None, expected: int
) -> Iterator[Sequence[bytes]]:
    """The texts of living entities, in chunks; `expected`: the sum of their weights. Raises Quarantined.

    What is missing or there twice is known only at the end: a reader must not use what has not ended.
    """
    wanted = _type_bytes(entity_types)
    rows = connection.execute("SELECT CAST(entity AS BLOB), checksum - stamp FROM sync_entities WHERE NOT is_deleted")
    chunk: list[bytes] = []
    size = found = 0
    few = 1
    with closing(rows):
        while some := rows.fetchmany(few):
            texts, sums = zip(*some, strict=False)  # they are pairs; to look whether they are takes time
            if not are_intact(texts, sums):
                raise quarantined()
            length = sum(map(len, texts))
            few = _few_of(len(texts), length)
            size += length
            if wanted is not None:
                texts, sums = _of_types(texts, sums, wanted)
            found += sum(sums)
            chunk += texts
            if len(chunk) >= _CHUNK or (size >= _PIECE and chunk):
                yield chunk
                chunk, size = [], 0
    if found != expected:
        raise quarantined()
    if chunk:
        yield chunk


def _few_of(rows: int, length: int) -> int:
    """How many rows to fetch next after so many of this length together: few if they are large."""
    if length <= _PIECE * rows // _FEW:
        return _FEW
    return max(1, _PIECE * rows // length)


def _type_bytes(entity_types: Collection[str] | None) -> frozenset[bytes] | None:
    """The names of types as they stand in texts; half of a surrogate pair, which a device may send, in none."""
    return None if entity_types is None else frozenset(name.encode(errors="surrogatepass") for name in entity_types)


def _type_of(text: bytes) -> bytes:
    return text[16 : text.index(b'"', 16)]


def _of_types(
    texts: Sequence[bytes], sums: Sequence[int], wanted: frozenset[bytes]
) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    is_wanted = [_type_of(text) in wanted for text in texts]
    return tuple(compress(texts, is_wanted)), tuple(compress(sums, is_wanted))
