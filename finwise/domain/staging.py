"""Files that are staged to replace tenants' files."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class Staging(Protocol):
    """Clean copies of files, staged beside the tenants' files until each takes its place."""

    def alone(self) -> AbstractContextManager[None]:
        """One restore at a time. Raises Busy while there is another."""

    def stage(self, tenant_id: str, source: Path, *, may_be_new: bool = False) -> None:
        """Prepares a clean copy of a file. Raises Invalid if it is not an intact tenant's file; NewerSchema.

        `may_be_new`: also accepts a file in which nobody has opened a book yet.
        """

    def replace(self, tenant_id: str, moved_at: int) -> bool:
        """Replaces the tenant's file by the staged one, if any; `moved_at` (µs) names the old one in the trash.

        False: the present file is open elsewhere and stays.
        """

    def find_in_trash(self, tenant_id: str, moved_at: int | None) -> Path | None:
        """The tenant's file that was moved to the trash at `moved_at` (µs); if there is none, the one named last."""

    def remove_leftovers(self, wanted: set[str]) -> None:
        """Removes what is staged for other tenants than these. The caller makes sure that no restore is under way."""
