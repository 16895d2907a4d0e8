"""Valid requests with something odd in them: in their bytes, members, paths, queries, headers and methods."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from harness.requests.valid import valid
from harness.requests.world import CANARY, Sent, World

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, "", " ", "x" * 300, "\x00", "\ud800", "\ud83d\ude00", "\u202e", "a\nb", [], {}, [[]],
    {"": ""}, {"$ne": 1}, "' OR 1=1 --", "../../etc/passwd", "%00", "{{7*7}}", "tags", "NULL", "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "0000-00-00T00:00:00Z", "2026-02-30T00:00:00Z", "owner", "viewer",
    "00000000-0000-0000-0000-000000000000", "\u00b2", "\u0661\u0662", CANARY, {CANARY: CANARY}, [CANARY],
    f"\r\n{CANARY}: x", f'\n{{"level": "INFO", "message": "{CANARY}"}}',
]  # fmt: skip
ODD_TEXT = ["NaN", "-Infinity", "1e999", "9" * 40, "-" + "9" * 5_000, str(2**53), "-0", "1E400", '"\\ud800"',
            '"\\u0000"', "[" * 40 + "]" * 40, "[" * 5_000, '{"a":1,"a":2}', "nul", "'x'", "01", CANARY]  # fmt: skip
ODD_NAMES = ["hashed_password", "user_id", "is_admin", "state", "role", "quota_mib", "stamp", "", "\0", "x" * 500,
             *[CANARY] * 8, "__proto__", "constructor"]  # fmt: skip
ODD_IN_PATHS = ["/", "//", "/..", "/%00", "\0", "\xff", ";x", ".json", "\r\n", " ", "/x", "\xe2\x80\xa6", "'", "+",
                CANARY, f"/{CANARY}", "../" * 20, "x" * 5_000]  # fmt: skip
HEADERS = ["HTTP_AUTHORIZATION", "HTTP_X_TENANT_ID", "HTTP_ACCEPT", "HTTP_IF_NONE_MATCH", "CONTENT_TYPE", "HTTP_RANGE",
           "HTTP_CONTENT_ENCODING", "HTTP_HOST", "HTTP_IF_MODIFIED_SINCE", "HTTP_X_FORWARDED_FOR", "HTTP_COOKIE",
           "HTTP_IF_MATCH", "HTTP_EXPECT", "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_ACCEPT_ENCODING", "HTTP_ORIGIN",
           "CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED", "HTTP_FINWISEUSER",
           "HTTP_REFERER", "HTTP_USER_AGENT", "HTTP_ACCESS_CONTROL_REQUEST_METHOD", "REMOTE_ADDR"]  # fmt: skip
HEADER_VALUES = ["", " ", "*", "W/*", '"', 'W/"x', "*/*;q=x", ";;;", ",", "application/x-ndjson", "application/json;",
                 "application/json; charset=utf-7", "gzip", "bytes=0-1,5-", "bytes=9-1", "Bearer", "Bearer \xff",
                 "Basic Og==", "\xe4\xf6\xfc", "x" * 9_000, "evil.example", "[::1", "100-continue", "DELETE", "chunked",
                 "=?", "a=b; a=c", "-1", "0", "1", "99999999999999999999", "\u0661".encode().decode("latin-1"), "null",
                 "::ffff:127.0.0.1", CANARY, f"Bearer fw_{CANARY}", f"{CANARY}@example.org", f"text/{CANARY}",
                 f"x\r\n{CANARY}: x", f"application/json; charset={CANARY}"]  # fmt: skip
METHODS = ["HEAD", "OPTIONS", "PUT", "PATCH", "POST", "GET", "DELETE", "TRACE", "X" * 50, CANARY.upper()]


def spoil_bytes(dice: random.Random, text: bytes) -> bytes:
    """Some bytes flipped, taken out, put in or doubled; or the rest cut off."""
    spoilt = bytearray(text)
    put_in = [b"\0", b"\xff", b'"', b"{", b"]", b",", b"\xed\xa0\x80", b"\\ud800", b"9" * 30, CANARY.encode(), b"\r\n"]
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        place = dice.randrange(len(spoilt) + 1)
        kind = dice.randrange(5)
        if kind == 0 and place < len(spoilt):
            spoilt[place] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del spoilt[place : place + dice.choice([1, 2, 10])]
        elif kind == 2:
            spoilt[place:place] = dice.choice(put_in)
        elif kind == 3:
            spoilt[place:place] = spoilt[: dice.randrange(len(spoilt) + 1)]
        else:
            del spoilt[place:]
    return bytes(spoilt)


def spoil_value(dice: random.Random, value: Any) -> Any:
    """A JSON value with something odd somewhere in it."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        name = dice.choice(list(value))
        kind = dice.randrange(8)
        if kind == 0:
            return {each: value[each] for each in value if each != name}
        if kind == 1:
            return value | {dice.choice(ODD_NAMES): dice.choice(ODD)}
        return value | {name: spoil_value(dice, value[name])}
    if isinstance(value, list) and value and dice.random() < 0.85:
        place = dice.randrange(len(value))
        return [*value[:place], spoil_value(dice, value[place]), *value[place + dice.randrange(2) :]]
    return dice.choice(ODD)


def spoil_body(world: World, sent: Sent) -> Sent:
    """Other bytes or values in the body."""
    dice = world.dice
    if not sent.body or dice.random() < 0.3:
        return sent._replace(body=spoil_bytes(dice, sent.body))
    value = json.loads(sent.body)
    text = json.dumps(spoil_value(dice, value))
    if value and dice.random() < 0.3:  # what json.dumps would never write
        text = json.dumps(value | {dice.choice(list(value)): "@"})
        text = text.replace('"@"', dice.choice(ODD_TEXT), 1)
    return sent._replace(body=text.encode("utf-8", "surrogatepass"))


def spoil_path(world: World, sent: Sent) -> Sent:
    """Odd signs in the path."""
    dice = world.dice
    if dice.random() < 0.5:
        place = dice.randrange(len(sent.path)) + 1
        return sent._replace(path=sent.path[:place] + dice.choice(ODD_IN_PATHS) + sent.path[place:])
    spoilt = spoil_bytes(dice, sent.path.encode()).decode("latin-1")
    return sent._replace(path=spoilt if spoilt.startswith("/") else f"/{spoilt}")


def spoil_query(world: World, sent: Sent) -> Sent:
    """Odd, doubled or broken parameters."""
    dice = world.dice
    name = dice.choice(["since", "limit", "entity_types", "user_id", "after", "others", CANARY, "", "%00", "%ff"])
    odd = dice.choice(ODD)
    text = odd if isinstance(odd, str) else json.dumps(odd)
    added = f"{name}={quote(text.encode('utf-8', 'surrogatepass'))}"
    query = dice.choice([added, f"{sent.query}&{added}", f"{sent.query}&{sent.query}", "&" * 2_000, "=", "%", text])
    query = query.encode("utf-8", "surrogatepass").decode("latin-1")
    return sent._replace(query=query.strip("&") if dice.random() < 0.5 else query)


def spoil_headers(world: World, sent: Sent) -> Sent:
    """One or two odd headers."""
    dice = world.dice
    odd = {dice.choice(HEADERS): dice.choice(HEADER_VALUES) for _ in range(dice.choice([1, 1, 2]))}
    return sent._replace(environ=sent.environ | odd)


def spoil_method(world: World, sent: Sent) -> Sent:
    """Another method."""
    return sent._replace(method=world.dice.choice(METHODS))


SPOIL: list[Callable[[World, Sent], Sent]] = [
    *[spoil_body] * 6, spoil_path, spoil_path, spoil_query, spoil_query, spoil_headers, spoil_headers, spoil_method
]  # fmt: skip


def spoilt(world: World) -> Sent:
    """A valid request after one or two kinds of spoiling; a few are left as they are."""
    sent = valid(world)
    for spoil in dict.fromkeys(world.dice.choices(SPOIL, k=world.dice.choice([0, 1, 1, 1, 1, 1, 2, 2]))):
        sent = spoil(world, sent)
    return sent
