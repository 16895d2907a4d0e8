"""Names and e-mail addresses: nothing in them that cannot be seen, and one form for what reads alike."""

import pytest

from finwise.domain.names import canonical_email, canonical_name, email_key, shown

UNSEEN = {
    "escape": "\x1b[2J",
    "CSI in one character": "\x9b2J",
    "newline": "\n",
    "tabulator": "\t",
    "delete": "\x7f",
    "right-to-left override": "\u202e",
    "right-to-left mark": "\u200f",
    "isolate": "\u2066",
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "line separator": "\u2028",
    "half of a surrogate pair": "\ud800",
    "tag": "\U000e0041",
    "joiner between Latin letters": "\u200d",
}
unseen = pytest.mark.parametrize("evil", UNSEEN.values(), ids=list(UNSEEN))
places = pytest.mark.parametrize("form", ["{}Ada", "A{}da", "Ada{}"])


@unseen
@places
def test_a_name_with_a_character_that_cannot_be_seen_is_none(evil: str, form: str) -> None:
    assert canonical_name(form.format(evil)) is None


@unseen
@places
def test_an_address_with_a_character_that_cannot_be_seen_is_none(evil: str, form: str) -> None:
    assert canonical_email(form.format(evil) + "@example.org") is None
    assert canonical_email("ada@" + form.format(evil) + ".example.org") is None


@pytest.mark.parametrize(
    "name",
    [
        "Ada",
        "Groß & Söhne",
        "家計簿",
        "משפחת כהן",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 Home",
        "\u2764\ufe0f\u200d\U0001f525",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_a_name_that_people_have_stays_as_it_is(name: str) -> None:
    assert canonical_name(name) == name == shown(name)


@pytest.mark.parametrize("space", [" ", "  ", "\u00a0", "\u3000", "\u2003"])
def test_spaces_around_do_not_count(space: str) -> None:
    assert canonical_name(f"{space}Ada L.{space}") == "Ada L."
    assert canonical_email(f"{space}ada@example.org{space}") == "ada@example.org"
    assert email_key(f"{space}Ada@Example.ORG{space}") == "ada@example.org"
    assert canonical_name(space) is None


def test_either_unicode_form_of_a_text_is_the_same_text() -> None:
    assert canonical_name("Mu\u0308ller") == canonical_name("M\u00fcller") == "M\u00fcller"
    assert canonical_email("mu\u0308@example.org") == "m\u00fc@example.org"
    assert email_key("MU\u0308@example.org") == email_key("m\u00fc@example.org")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a@b@c",
        "a\uff20b@c",
        "<ada@example.org>",
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        "ada@example.org;",
        "ada @example.org",
        '"ada"@example.org',
        "ada@[192.0.2.1]",
        "ada:secret@example.org",
        "a" * 65 + "@example.org",
        "ada@" + "e" * 190,
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert canonical_email(text) is None


@pytest.mark.parametrize("text", ["ada@example.org", "a.b+c_d-e@localhost", "jürgen@müller.example", "o'neil@x.ie"])
def test_an_address_stays_as_it_is(text: str) -> None:
    assert canonical_email(text) == text


def test_what_cannot_be_seen_is_shown_as_its_number() -> None:
    assert shown("a\x1b[2J\u202eb\n\ud800\x9b\u200b é") == r"a\x1b[2J\u202eb\n\ud800\x9b\u200b é"
