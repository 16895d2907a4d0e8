"""The limits of a request, a change and a user. They are settings; `/healthz` tells devices."""

from typing import NamedTuple

MAX_PAGE = 10_000  # entities in one answer to a pull
MAX_TEXT = (
    1_048_576  # characters of entities in one answer, or in memory at once; the entity that reaches it is the last
)


class Limits(NamedTuple):
    """Sizes in bytes, and numbers."""

    body_bytes: int = 8 * 1024 * 1024
    changes: int = 5_000  # of a push
    change_bytes: int = 256 * 1024
    depth: int = 32  # nesting of a change's data
    fields: int = 256  # of an entity
    tenants: int = 1_000  # that a user may own
    import_bytes: int = 256 * 1024 * 1024  # of a whole book
