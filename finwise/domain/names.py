"""Names and e-mail addresses: what they may contain, when two are equal, how a terminal shows them.

A name reaches other people's screens and an operator's terminal. So it has no character that moves the cursor,
reverses the direction of text or is invisible.
"""

import re
import unicodedata

MOST_NAME = 200  # characters of a name
MOST_EMAIL = 254  # characters of an e-mail address (RFC 5321)

# Control, format, surrogate, line and paragraph separator: nothing of these is seen, and some change what is.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners between characters of emoji and of scripts that need them, and the letters within the flag of a region.
_JOINED = re.compile("(?<=[^\x00-\u02ff])[\u200c\u200d](?=[^\x00-\u02ff])|(?<=\U0001f3f4)[\U000e0020-\U000e007f]+")
_LOCAL, _DOMAIN = r"[^\s@<>()\[\],;:\\\"]{1,64}", r"[^\s@<>()\[\],;:\\\"]{1,189}"
_EMAIL = re.compile(f"{_LOCAL}@{_DOMAIN}")


def canonical_name(text: str) -> str | None:
    """The text without spaces around it, in composed form (NFC); None if it is empty or has hidden characters."""
    name = unicodedata.normalize("NFC", text).strip()
    return None if not name or _has_unseen(_JOINED.sub("", text)) else name


def canonical_email(text: str) -> str | None:
    """The address without the spaces around it, in composed form; None if it is not an e-mail address."""
    email = unicodedata.normalize("NFC", text).strip()
    folded = unicodedata.normalize("NFKC", email)  # as `email_key` sees it: a full-width @ is one
    is_address = len(email) <= MOST_EMAIL and _EMAIL.fullmatch(email) and _EMAIL.fullmatch(folded)
    return email if is_address and not _has_unseen(text) else None


def email_key(email: str) -> str:
    """The form in which two spellings of one e-mail address are equal."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


def shown(text: str) -> str:
    r"""The text for a terminal, each character that could not be seen as its number: `\x1b`, `\u202e`."""
    kept = {place for match in _JOINED.finditer(text) for place in range(*match.span())}
    return "".join(
        _escape(each) if unicodedata.category(each) in _UNSEEN and place not in kept else each
        for place, each in enumerate(text)
    )


def _has_unseen(text: str) -> bool:
    return any(unicodedata.category(each) in _UNSEEN for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
