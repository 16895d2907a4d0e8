"""The limits of a request, a change and a user. They are settings; `/healthz` tells devices."""

from typing import NamedTuple

MAX_PAGE = 10_000  # entities in one answer to a pull
MAX_TEXT = (
    1_048_576  # characters of entities in one answer, or in memory at once; the entity that reaches it is the last
)


class Limits(NamedTuple):
    """Sizes in bytes; `depth`: nesting of a change's data; `fields`: of an entity; `tenants`: that a user may own.

    `import_bytes`: of a whole book that is brought.
    """

    body_bytes: int = 8 * 1024 * 1024
    changes: int = 5_000
    change_bytes: int = 256 * 1024
    depth: int = 32
    fields: int = 256
    tenants: int = 1_000
    import_bytes: int = 256 * 1024 * 1024
