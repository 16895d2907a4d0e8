"""Sync answers as JSON text. Entities are joined as the text they are stored as, never parsed and written again."""

from collections.abc import Iterator, Mapping
from typing import Any

from finwise.domain.book import StoredConflict
from finwise.domain.change import Rejection, Version, entity_text
from finwise.domain.conflicts import Listed
from finwise.domain.cursor import format_cursor
from finwise.domain.devices import Owner
from finwise.domain.json_text import write
from finwise.domain.merge import SUPERSEDED
from finwise.domain.push import Result
from finwise.domain.sync import PROTOCOL, Load, Page, Pushed
from finwise.domain.times import millis_text
from finwise.version import __version__

__all__ = ["conflicts_text", "entity_text", "load_chunks", "load_lines", "page_text", "pushed_text"]


def conflicts_text(listed: Listed) -> Iterator[str]:
    """The list of conflicts, in pieces."""
    separator = "["
    for conflicts in listed.chunks:
        for conflict in conflicts:
            yield separator + _conflict(conflict, listed.authors)
            separator = ","
    yield "[]" if separator == "[" else "]"


def page_text(page: Page, now: int) -> bytes:
    """The answer to a pull."""
    return b"".join([b"{", _head(page.epoch, now).encode(), b",", *_page(page), b"}"])


def pushed_text(pushed: Pushed, now: int) -> bytes:
    """The answer to a push; with a page if one was asked for."""
    results = ",".join([_result(result) for result in pushed.results])
    page = [b",", *_page(pushed.page)] if pushed.page else []
    return b"".join([f'{{{_head(pushed.epoch, now)},"results":[{results}]'.encode(), *page, b"}"])


def load_chunks(load: Load, now: int) -> Iterator[bytes]:
    """The answer to a first load, in pieces; the first is made of the first entities, and fails if they cannot be read.

    An answer without its end is no answer: what is missing is found at the end alone.
    """
    head = f'{{{_head(load.epoch, now)},"changes":['.encode()
    for texts in load.chunks:
        yield head + b",".join(texts) if head else b",".join([b"", *texts])  # joined at once: a copy takes time
        head = b""
    yield head + f"],{_end(load.epoch, load.next_stamp, load.digest)}}}".encode()


def load_lines(load: Load, now: int) -> Iterator[bytes]:
    """The answer to a first load as NDJSON: an entity a line, and a last line with everything else."""
    for texts in load.chunks:
        yield b"\n".join([*texts, b""])
    yield f"{{{_head(load.epoch, now)},{_end(load.epoch, load.next_stamp, load.digest)}}}\n".encode()


def _head(epoch: str, now: int) -> str:
    head = {"protocol": PROTOCOL, "server_version": __version__, "server_time": millis_text(now), "epoch": epoch}
    return write(head)[1:-1]


def _page(page: Page) -> tuple[bytes, ...]:
    end = _end(page.epoch, page.next_stamp, page.digest, has_more=page.has_more)
    return b'"changes":[', b",".join([text for _, text in page.rows]), b"],", end.encode()


def _end(epoch: str, next_stamp: int, digest: Mapping[str, str] | None, *, has_more: bool = False) -> str:
    end: dict[str, Any] = {"next_since": format_cursor(next_stamp, epoch), "has_more": has_more}
    if digest is not None:
        end["digest"] = digest
    return write(end)[1:-1]


def _conflict(conflict: StoredConflict, authors: Mapping[str, Owner]) -> str:
    reason, kept_at, loser = conflict.kept
    said = {
        "conflict_id": conflict.conflict_id,
        "entity_type": loser.entity_type,
        "id": loser.id,
        "kept_at": millis_text(kept_at),
        "reason": reason,
        "authors": {"loser": _author(loser, authors), "entity": _author(conflict.stored, authors)},
    }
    lost = {
        "created_at": loser.created_at,
        "updated_at": loser.updated_at,
        "deleted_at": loser.updated_at if loser.data is None else None,
        "device_id": loser.device_id,
    }
    entity = entity_text(conflict.stored) if conflict.stored else "null"
    return f'{write(said)[:-1]},"loser":{write(lost)[:-1]},"data":{loser.data or "null"}}},"entity":{entity}}}'


def _author(version: Version | None, authors: Mapping[str, Owner]) -> dict[str, str] | None:
    """Who wrote a version with which device; None if that is not known, or there is no such version."""
    owner = authors.get(version.device_id or "") if version else None
    return owner and {"user_name": owner.user_name, "device_name": owner.device_name}


def _result(result: Result | Rejection) -> str:
    if isinstance(result, Rejection):
        change_id, code, errors = result
        return write({"change_id": change_id, "status": "rejected", "code": code, "errors": errors})
    change, verdict, version, is_told = result
    # A change_id that was taken needs no escaping, nor does a canonical time.
    said = f'{{"change_id":"{change.sent_change_id}","status":"{verdict.status}"'
    if verdict.status == SUPERSEDED:
        if not is_told:
            return said + "}"
        return f'{said},"entity":{entity_text(version) if version else "null"}}}'
    if version is None:
        return said + "}"
    created_at = "" if version.created_at == change.sent_created_at else f',"created_at":"{version.created_at}"'
    warnings = f',"warnings":{write(change.warnings)}' if change.warnings else ""
    return f'{said},"updated_at":"{version.updated_at}"{created_at}{warnings}}}'
