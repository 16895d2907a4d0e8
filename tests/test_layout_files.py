"""By which words the store touches files. The guard is shown to bite."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

import pytest

from tests.source import Guard, called, found_by, imported, modules, place_of

# What the store may do to files. Opening a database other than through SQLite drops SQLite's locks, and with them
# acknowledged commits; so every name here is one that opens nothing, or a whole call that opens what nobody uses.
_WORDS_OF_PATHS = {word for word in set(dir(Path)) - set(dir(PurePath)) if not word.startswith("_")}
FILE_WORDS_OF_STORE: Mapping[str, set[str]] = {
    "store/backups.py": {
        "mkdir",
        "rename",  # of a whole backup's folder, once it is complete
        "os.fsync",
        "(archive / MANIFEST).open('w', encoding='utf-8')",
        "(archive / MANIFEST).read_bytes()",
        "(archive / f'tenant_{tenant_id}.db').unlink(missing_ok=True)",  # a copy that is not whole
        "iterdir",
        "stat",
        "exists",
        "shutil.rmtree(left, ignore_errors=True)",  # a backup that died, as its name and its age say
    },
    "store/connection.py": {
        "absolute",
        "database.touch(mode=384, exist_ok=False)",
    },  # 0o600: of a file that is not there
    "store/copies.py": {  # the bytes of copies that are complete and that no connection has open
        "file.open('rb')",
        "stat",
        "os.open(target, os.O_RDWR)",
        "os.fsync",
        "os.close",
    },
    "store/databases.py": {"exists"},
    "store/diagnosis.py": {"shutil.disk_usage"},
    "store/foreign_book.py": {"absolute"},
    "store/folding.py": {"exists", "stat"},  # of a log, whose size tells whether there is something to fold
    "store/folder.py": {
        "exists",
        "glob",
        "mkdir",
        "os.access",
        "os.scandir",
        "os.open(folder, os.O_RDONLY)",  # to make its names last; a folder is no database
        "os.fsync",
        "os.close",
        "source.replace(target)",  # moved and removed under the tenant's lock, after the file was marked
        "each.unlink(missing_ok=True)",
    },
    "store/installation.py": {  # of folders
        "absolute",
        "exists",
        "is_dir",
        "os.stat",
        "os.geteuid",
        "os.listdir",
        "os.chmod(folder, stat.S_IRWXU)",
    },
    "store/litestream.py": {"absolute"},
    "store/log_limit.py": {"os.stat"},  # of a log
    "store/marks.py": {"os.open", "os.read", "os.write", "os.close", "self._path(tenant_id).unlink(missing_ok=True)"},
    "store/locks.py": {"os.open", "os.close"},  # of lock files
    "store/migrations/__init__.py": {"iterdir", "read_text"},  # our own .sql files
    "store/permissions.py": {
        "os.access",
        "os.chown",  # of what was made just now
        "os.chmod",
        "os.geteuid",
        "os.stat",
        "os.statvfs",
    },
    "store/pool.py": {"os.getpid", "os.stat"},
    "store/restores.py": {
        "absolute",
        "exists",
        "is_file",
        "glob",
        "partial.replace(staged)",  # a copy that only this process has written
        "staged.replace(file)",  # it takes the tenant's place under the lock, after the present file was moved away
    },
    "store/trash.py": {
        "exists",
        "shutil.rmtree(self._folder.path / f'.tenant_{name}-litestream', ignore_errors=True)",  # Litestream's folder
    },
    "store/uploads.py": {  # of a file that this request alone has
        "file.touch(mode=384, exist_ok=False)",
        "file.open('wb')",
        "file.open('rb')",
        "stat",
    },
    "store/views.py": {"replace"},  # of a text
}
_LIBRARIES_OF_FILES = {"shutil", "io", "mmap", "zipfile", "tarfile", "gzip", "codecs", "subprocess"}


def guard_files(path: str, tree: ast.Module) -> Iterator[str]:
    """The store touches files by few words, and opens no database other than through SQLite."""
    if place_of(path) != "store":
        return
    allowed = FILE_WORDS_OF_STORE.get(path, set())
    yield from (f"calls {call}" for word, call in file_calls(tree) if not {word, call} & allowed)
    for name in imported(tree):
        library, _, word = name.partition(".")
        if library in _LIBRARIES_OF_FILES and (word or not any(each.startswith(f"{name}.") for each in allowed)):
            yield f"imports {name}"
        if library == "os" and word.islower():
            yield f"imports {name}, which then does not show where it is called"


def file_calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every call that may touch a file: the word by which it does, and the whole call as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (word := _file_word(node)):
            yield word, ast.unparse(node)


def _file_word(call: ast.Call) -> str | None:
    """The word by which a call may touch a file: `open`, `os.…`, `shutil.…`, or a method that paths have."""
    function = ast.unparse(call.func)
    if function == "open" or function.startswith(("os.", "shutil.")):
        return function
    return called(call) if isinstance(call.func, ast.Attribute) and called(call) in _WORDS_OF_PATHS else None


def test_the_house_is_in_order() -> None:
    assert found_by(guard_files) == []


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
        (guard_files, "store/databases.py", "open(path)"),
        (guard_files, "store/databases.py", "path.open()"),
        (guard_files, "store/databases.py", "path.read_bytes()"),
        (guard_files, "store/databases.py", "path.write_text('')"),
        (guard_files, "store/databases.py", "path.unlink()"),
        (guard_files, "store/databases.py", "os.open(path, os.O_RDONLY)"),
        (guard_files, "store/folder.py", "os.open(folder, os.O_RDWR)"),
        (guard_files, "store/folder.py", "file.unlink()"),
        (guard_files, "store/folder.py", "target.replace(source)"),
        (guard_files, "store/copies.py", "os.open(source, os.O_RDWR)"),
        (guard_files, "store/copies.py", "source.read_bytes()"),
        (guard_files, "store/backups.py", "(archive / name).read_bytes()"),
        (guard_files, "store/databases.py", "os.remove(path)"),
        (guard_files, "store/databases.py", "os.link(path, other)"),
        (guard_files, "store/databases.py", "from os import open as look"),
        (guard_files, "store/diagnosis.py", "import shutil\nshutil.copyfile(path, other)"),
        (guard_files, "store/diagnosis.py", "import shutil\nshutil.rmtree(path)"),
        (guard_files, "store/trash.py", "import shutil\nshutil.rmtree(path)"),
        (guard_files, "store/book.py", "import shutil"),
        (guard_files, "store/book.py", "import io"),
        (guard_files, "store/databases.py", "from shutil import copyfile"),
        (guard_files, "store/databases.py", "from io import FileIO"),
        (guard_files, "store/book.py", "path.stat()"),
        (guard_files, "store/attic.py", "path.touch()"),
    ],
)
def test_the_guard_bites(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source)))


@pytest.mark.parametrize(
    ("guard", "path", "source"),
    [
        (guard_files, "store/folder.py", "os.open(folder, os.O_RDONLY)\npath.exists()\nsource.replace(target)"),
        (guard_files, "store/diagnosis.py", "import shutil\nshutil.disk_usage(folder)"),
    ],
)
def test_the_guard_lets_pass_what_is_in_order(guard: Guard, path: str, source: str) -> None:
    assert list(guard(path, ast.parse(source))) == []


def test_every_exception_for_files_is_still_needed() -> None:
    for path, words in FILE_WORDS_OF_STORE.items():
        assert words <= {said for call in file_calls(modules()[path]) for said in call}, path
