"""The forms of names (protocol.md 1)."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finwise.domain.identifiers import canonical_uuid, is_entity_id

quickly = settings(derandomize=True, deadline=None, database=None, max_examples=200)
ONE = "a1b2c3d4-0000-4000-8000-00000000000f"


@quickly
@given(st.uuids())
def test_a_uuid_is_read_in_lower_case_however_it_is_written(uuid: UUID) -> None:
    assert canonical_uuid(str(uuid)) == canonical_uuid(str(uuid).upper()) == str(uuid)


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        UUID(ONE),
        ONE.encode(),
        [ONE],
        "",
        ONE.replace("-", ""),
        f"{{{ONE}}}",
        f"urn:uuid:{ONE}",
        f" {ONE}",
        f"{ONE} ",
        f"{ONE}\n",
        ONE[:-1],
        f"{ONE}0",
        ONE.replace("f", "g"),
        ONE.replace("a1b2", "\uff41\uff11b2"),  # full-width a and 1
        ONE.replace("-", "\u2010"),
        ONE.replace("a1", "+1"),
        ONE.replace("a1", "0x"),
        "a1b2c3d40000-4000-8000-0000-00000000000f",
        "00000000-0000-0000-0000-000000000000",
    ],
    ids=repr,
)
def test_nothing_that_only_a_lenient_parser_takes_is_a_uuid_and_neither_is_nil(text: object) -> None:
    assert canonical_uuid(text) is None


@pytest.mark.parametrize("text", ["a", "-", ".", "..", "0", ONE, "AZaz09-_.:", "x" * 64])
def test_an_entity_id_is_1_to_64_of_a_few_characters(text: str) -> None:
    assert is_entity_id(text)


@pytest.mark.parametrize(
    "text",
    [
        None, 7, True, b"a", ["a"], "", "x" * 65, "a b", "a/b", "a\n", "\n", "a\0", "\u00e9", "\uff41", "\u0661",
        "a'b", 'a"', "a\\b",
    ],
    ids=repr,
)  # fmt: skip
def test_nothing_else_is_an_entity_id(text: object) -> None:
    assert not is_entity_id(text)


@quickly
@given(st.text(max_size=70))
def test_an_entity_id_never_needs_escaping_in_json_or_in_a_path(text: str) -> None:
    plain = all(character.isascii() and (character.isalnum() or character in "-_.:") for character in text)
    assert is_entity_id(text) == (plain and 1 <= len(text) <= 64)
