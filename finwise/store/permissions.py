"""Whose files are, and whether the system lets this process use them.

A command may run as another user than the server: with sudo, as root. So new files get the owner of their folder, and a
file that may not be opened is reported as such; SQLite does not distinguish it from one that is in use.
"""

import os
import stat
import sys
from pathlib import Path

from finwise.errors import FinWiseError, disk_read_only, not_permitted

_GROUP = stat.S_IRWXG


def hand_over(made: Path, *, shared: bool = True) -> None:
    """Gives a new file or folder to the owner of the folder it is in, if this is root. Raises NotPermitted.

    `shared`: if that folder's group writes to it, the group may write to what was made as well.
    """
    if sys.platform == "win32":
        return
    folder, present = os.stat(made.parent), os.stat(made)
    is_shared = shared and folder.st_mode & (_GROUP | stat.S_IRWXO) == _GROUP
    try:
        if os.geteuid() == 0 and (present.st_uid, present.st_gid) != (folder.st_uid, folder.st_gid):
            os.chown(made, folder.st_uid, folder.st_gid)
        if is_shared:
            if present.st_gid != folder.st_gid:
                os.chown(made, -1, folder.st_gid)
            is_folder = stat.S_ISDIR(present.st_mode)
            os.chmod(made, 0o770 if is_folder else 0o660)
    except PermissionError as error:
        refused = not_permitted(made)
        refused.add_note(f"It cannot be given to the owner of {made.parent}: run this as that user.")
        raise refused from error


def is_foreign(file: Path) -> bool:
    """Whether a file belongs to another user than its folder, who then may not be able to open it."""
    if sys.platform == "win32":
        return False
    folder, present = os.stat(file.parent), os.stat(file)
    is_shared = present.st_gid == folder.st_gid and present.st_mode & 0o060 == 0o060
    return present.st_uid != folder.st_uid and not is_shared


def refusal(database: Path) -> FinWiseError | None:
    """Why the system does not let a database be opened and written to, or made; None if it does."""
    folder = database.parent
    if is_read_only(folder):
        return disk_read_only(folder)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return not_permitted(folder)
    for suffix in ("", "-wal", "-shm"):
        file = Path(f"{database}{suffix}")
        if not is_usable(file):
            return not_permitted(file)
    return None


def is_usable(file: Path) -> bool:
    """Whether a file may be read and written, or is not there."""
    return os.access(file, os.R_OK | os.W_OK) or not os.access(file, os.F_OK)


def may_be_read(file: Path) -> bool:
    """Whether a file that is there may be read."""
    return os.access(file, os.R_OK)


def is_read_only(folder: Path) -> bool:
    """Whether the file system of a folder takes no writes from any user."""
    if sys.platform == "win32":
        return False
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
