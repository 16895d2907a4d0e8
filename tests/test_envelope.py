"""The envelope of a push is read by the shortest way, and as Marshmallow reads it."""

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from finwise.domain.json_text import Odd
from finwise.errors import Invalid
from finwise.schemas.sync import EnvelopeSchema, read_envelope

EXAMPLES: dict[str, list[Any]] = {
    "tenant_id": ["5b1c0f7e-2c44-4b8e-8a55-3f1f6d1f2a10", "", "x"],
    "device_id": ["phone", "x" * 64, "x" * 65, "", "\0"],
    "client_time": [
        "2026-01-09T19:01:02.123Z",
        "2026-01-09T20:01:02.123456+01:00",
        "yesterday",
        "2026-02-30T00:00:00Z",
    ],
    "since": ["2026-01-09T19:01:02.139001Z~7f3a9c1e", "", "x"],
    "entity_types": [["tags"], [], ["tags", "tags"], [1], "tags"],
    "limit": [1, 10_000, 0, 10_001, "5", "05", 1.0, True],
    "changes": [[], [1], [{}], {}],
    "more": [1, "x", []],
}
WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, 7, 1.5, True, "text", [], {}, [None], Odd("is odd"), [Odd("is odd")]]
)
members = st.sampled_from(sorted(EXAMPLES))
pairs = members.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(EXAMPLES[name]) | WRONG))
envelopes = st.lists(pairs, max_size=6).map(dict)
likely = st.tuples(envelopes, st.booleans()).map(lambda both: both[0] | ({"changes": []} if both[1] else {}))


@settings(derandomize=True, deadline=None, database=None, max_examples=800)
@given(likely)
def test_the_short_way_reads_an_envelope_as_marshmallow_does(parsed: dict[str, Any]) -> None:
    try:
        wanted, errors = EnvelopeSchema().load(parsed), None
    except ValidationError as error:
        wanted, errors = None, error.messages_dict
    event("refused" if errors else "taken")
    if errors:
        with pytest.raises(Invalid) as raised:
            read_envelope(parsed)
        assert raised.value.errors == errors
    else:
        assert read_envelope(parsed) == wanted


@pytest.mark.parametrize("parsed", [None, [], "x", 1, Odd("is odd")])
def test_what_is_no_object_is_no_envelope(parsed: Any) -> None:
    with pytest.raises(Invalid):
        read_envelope(parsed)
