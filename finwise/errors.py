"""What can go wrong, in the words of the domain.

Every error carries a `code` (protocol.md 6), a `detail` that names what to do, optionally `errors` by field,
`retry_after` in seconds, and `members`: further members of the answer, such as `action`. Only `api/errors.py` knows
which HTTP status belongs to which error.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

FieldErrors = Mapping[str, list[str]]


class FinWiseError(Exception):
    """The base of all errors that FinWise raises on purpose."""

    code: ClassVar[str]

    def __init__(
        self,
        detail: str,
        *,
        errors: FieldErrors | None = None,
        retry_after: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after
        self.members = members


class Invalid(FinWiseError):
    """The body or a parameter is not of the form the document describes."""

    code = "invalid"


class BadRequest(FinWiseError):
    """The request contradicts itself, or does not say which tenant it is about."""

    code = "bad_request"


class BadCursor(FinWiseError):
    """`since` cannot be read."""

    code = "bad_cursor"


class Unauthorized(FinWiseError):
    """There is no token, or it is unknown, revoked or expired; or the e-mail or the password is wrong."""

    code = "unauthorized"


class Forbidden(FinWiseError):
    """The user is known and may not do this."""

    code = "forbidden"


class NotFound(FinWiseError):
    """There is no such thing, or none that this user may know of."""

    code = "not_found"


class Conflict(FinWiseError):
    """The UUID or the e-mail is taken by other content, or the thing is still in use."""

    code = "conflict"


class CursorExpired(FinWiseError):
    """Tombstones above the cursor have been purged: the device must load everything again."""

    code = "cursor_expired"

    def __init__(self) -> None:
        super().__init__("Deletions that this cursor has not seen were purged. Load /sync/initial.", action="initial")


class EpochChanged(FinWiseError):
    """The cursor belongs to another life of the tenant's file, for example to the one before a restore."""

    code = "epoch_changed"

    def __init__(self, *, give_back: bool) -> None:
        super().__init__(
            "This cursor belongs to another life of the tenant's file. Load /sync/initial.",
            action="initial",
            give_back=give_back,
        )


class TenantDeleted(FinWiseError):
    """The tenant was deleted; only its members are told so."""

    code = "tenant_deleted"

    def __init__(self) -> None:
        super().__init__("This tenant was deleted. Keep the data, stop syncing, offer an export.", action="stop")


class TooLarge(FinWiseError):
    """The body is larger than a request may be."""

    code = "too_large"


class SlowDown(FinWiseError):
    """Too many failed attempts, or too many requests. `event` and its `fields`: what the log says of it (events.py)."""

    code = "slow_down"

    def __init__(
        self, detail: str, *, retry_after: int | None = None, event: str = "request.throttled", **fields: Any
    ) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.event = event
        self.fields = fields


class Busy(FinWiseError):
    """Another writer holds the file, or the machine has no room for this work right now."""

    code = "busy"


class ReadOnly(FinWiseError):
    """The disk or the file does not take writes."""

    code = "read_only"


class NotPermitted(FinWiseError):
    """The system does not let this process open a file or folder of FinWise's."""

    code = "not_permitted"


def not_permitted(path: object) -> NotPermitted:
    """What is raised for a path; it is told to the operator alone."""
    error = NotPermitted(
        "FinWise lacks permission to open a file. Nothing was stored; the operator must look (finwise check).",
        retry_after=60,
    )
    error.add_note(f"Not permitted: {path}.")
    return error


def disk_read_only(path: object) -> ReadOnly:
    """What is raised for a path on a disk that takes no writes; the path is told to the operator alone."""
    error = ReadOnly("The disk accepts no writes. Nothing was stored; the operator must look.", retry_after=60)
    error.add_note(f"Read-only: {path}.")
    return error


class Quarantined(FinWiseError):
    """The tenant's file is damaged or missing; nothing is repaired or recreated without the operator."""

    code = "quarantined"


def quarantined() -> Quarantined:
    """Raised if a file cannot be used until somebody has looked."""
    return Quarantined(
        "The file is damaged or missing. Keep the data and the queue; the operator must look.", retry_after=300
    )


class NewerSchema(FinWiseError):
    """The tenant's file was written by a newer FinWise."""

    code = "newer_schema"


class OlderSchema(FinWiseError):
    """The file was written by a version of FinWise that this one cannot bring up to date."""

    code = "older_schema"


class StorageFull(FinWiseError):
    """The disk is full; nothing was stored."""

    code = "storage_full"


class QuotaExceeded(FinWiseError):
    """The tenant's file may not grow any more; reading and deleting still work."""

    code = "quota_exceeded"


class BadSetting(FinWiseError):
    """A setting has a value that FinWise cannot use."""

    code = "bad_setting"
