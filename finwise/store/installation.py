"""Whether an installation is there, and all of it. Asked before anything is opened or made.

A command in the wrong folder must not make an empty installation and work on that; and a server that finds the
tenants' files without the users.db that knows them would take the next visitor for its first administrator.
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from finwise.domain.tenant import ACTIVE, QUARANTINED, Tenant
from finwise.errors import BadSetting
from finwise.store.folder import tenant_ids_in
from finwise.store.pool import identity
from finwise.store.sqlite_errors import translated


def require_installation(users_db: Path, tenants: Path, *, create: bool) -> bool:
    """Whether there is one. Raises BadSetting if not and none may be made (`create`), or if users.db alone is missing.

    Raises NotPermitted if the folders may not be looked into.
    """
    instance = users_db.parent.absolute()
    with translated():
        _require_folder(instance, "FINWISE_INSTANCE")
        _require_folder(tenants.absolute(), "FINWISE_TENANT_DATABASES")
        files = len(tenant_ids_in(tenants)) if tenants.exists() else 0
        if identity(users_db) is not None:
            return True
    if files:
        raise BadSetting(
            f"{tenants.absolute()} has the files of {files} account books, but {instance} has no users.db, which knows "
            "whose they are. Set FINWISE_INSTANCE to its folder, or put it back: each backup has a copy. To begin "
            "without these books, move their files to another folder."
        )
    if not create:
        raise BadSetting(
            f"There is no installation in {instance}. Run the command in the folder in which FinWise was started, "
            "or set FINWISE_INSTANCE to the folder of its users.db."
        )
    return False


def close_to_others(folders: Iterable[Path]) -> None:
    """Keeps other users of the machine out of a new installation's folders, if git or a person has made them.

    Only out of folders that are this user's and have nothing in them yet but files such as `.gitignore`: one in which
    something else lies may be meant for others as well.
    """
    if sys.platform == "win32":
        return
    for folder in folders:
        if not folder.is_dir():
            continue
        status = os.stat(folder)
        is_empty = all(name.startswith(".") for name in os.listdir(folder))
        if is_empty and status.st_mode & stat.S_IRWXO and status.st_uid == os.geteuid():
            os.chmod(folder, stat.S_IRWXU)


def require_tenants_folder(tenants: Path, known: Iterable[Tenant]) -> None:
    """Raises BadSetting if users.db knows tenants that have files, and the folder of these is not there."""
    books = sum(tenant.state in (ACTIVE, QUARANTINED) for tenant in known)
    if books and not tenants.exists():
        raise BadSetting(
            f"users.db knows {books} account books, but their folder {tenants.absolute()} is not there. Mount it, or "
            "set FINWISE_TENANT_DATABASES. If the files are lost, put each back with finwise restore."
        )


def _require_folder(folder: Path, variable: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise BadSetting(f"{folder} is a file. Set {variable} to a folder.")
