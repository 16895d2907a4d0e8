"""A disk that can be watched, loses power and fails: disk.c loaded below a program, and its log read again."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from proofs.proof import CannotRun

SECTOR = 512  # bytes that a disk writes whole or not at all
SOURCE = Path(__file__).with_name("disk.c")

_HEAD = struct.Struct("=c4Q")


def build(folder: Path) -> Path:
    """The library made of disk.c. Raises CannotRun if it cannot be made or loaded."""
    if not sys.platform.startswith("linux"):
        raise CannotRun("only Linux lets a library stand between a program and its disk (LD_PRELOAD); run it there")
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", ""), "cc", "gcc", "clang"))), None)
    if compiler is None:
        raise CannotRun("there is no C compiler (cc, gcc or clang); install one, for example the package gcc")
    library = folder / "disk.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise CannotRun(f"disk.c could not be compiled: {made.stderr.strip()[-500:]}")
    return library


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder for files that come and go, in memory if the system has such a place; removed at the end."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder).resolve()


def start(library: Path, folder: Path, log: Path | None, call: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python under the library that runs `module:function`; its arguments are in sys.argv."""
    module, _, function = call.partition(":")
    environment = os.environ | {
        "LD_PRELOAD": str(library),
        "DISK_FOLDER": str(folder),
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
    }
    environment.pop("DISK_LOG", None)
    if log:
        environment["DISK_LOG"] = str(log)
    program = f"from {module} import {function}; {function}()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """What the process printed, once it has ended. Raises RuntimeError with what it said if it failed."""
    said, complaint = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a process under disk.c ended with {process.returncode}: {complaint.strip()[-2000:]}")
    return said


class Control:
    """The library's own functions, for a program that runs under it."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.disk_calls.restype = ctypes.c_long
        self._library.disk_failed.restype = ctypes.c_char_p
        self._library.disk_arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_int]

    def mark(self, text: str) -> None:
        """Puts a text into the log, after everything that is done already."""
        self._library.disk_mark(text.encode())

    def arm(self, at: int = 0, error: int = 0, *, on: bool = False) -> None:
        """Makes the call number `at` from now fail, with `on` all after it as well; 0: none."""
        self._library.disk_arm(at, error, on)

    def calls(self) -> int:
        """Calls that change the disk, since `arm`."""
        return int(self._library.disk_calls())

    def failed(self) -> str:
        """The first call that was made to fail, empty if none was."""
        return str(self._library.disk_failed().decode())


class Record(NamedTuple):
    """An entry of the log; what `number`, `name` and `data` are depends on the kind."""

    kind: str
    inode: int
    number: int
    name: str
    data: bytes


def read_log(log: Path) -> list[Record]:
    """All records, in the order in which the calls were done."""
    content, place, records = log.read_bytes(), 0, []
    while place < len(content):
        kind, inode, number, name, data = _HEAD.unpack_from(content, place)
        place += _HEAD.size
        text = content[place : place + name].decode()
        place += name
        records.append(Record(kind.decode(), inode, number, text, content[place : place + data]))
        place += data
    return records


class File:
    """A file's content: what is surely on the disk, and what was done since the last sync."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []  # where and what was written; None: the size set to there

    def sync(self) -> None:
        """Makes all that was done sure."""
        for place, data in self.pending:
            _apply(self.durable, place, data)
        self.pending.clear()

    def after_loss(self, chance: random.Random | None, kept: float) -> bytes:
        """What a power loss leaves; without `chance` only what is sure, else each sector of the rest, or not."""
        if chance is None:
            return bytes(self.durable)
        content = bytearray(self.durable)
        for place, data in self.pending:
            for begin, part in _sectors(place, data):
                if chance.random() < kept:
                    _apply(content, begin, part)
        return bytes(content)


class Folder:
    """A folder's names: as programs see them, and as they surely are on the disk."""

    def __init__(self) -> None:
        self.now: dict[str, File | Folder] = {}
        self.durable: dict[str, File | Folder] = {}


_Slot = tuple[Folder, str]


class _Change(NamedTuple):
    """A name made, removed or moved, and not synced yet."""

    removed: _Slot | None
    added: _Slot | None
    node: File | Folder

    @property
    def slots(self) -> set[_Slot]:
        return {slot for slot in (self.removed, self.added) if slot}

    def do(self, names: Callable[[Folder], dict[str, File | Folder]]) -> None:
        if self.removed:
            names(self.removed[0]).pop(self.removed[1], None)
        if self.added:
            names(self.added[0])[self.added[1]] = self.node


class Disk:
    """The recorded folder as a disk that may lose power at any moment.

    Of a file, only what was synced is sure; of a name, only what was followed by a sync of its folder. Other changes of
    names are kept or lost one by one, each whole: a file that is moved is in one place, and the sync of either folder
    is enough. This is harsher than usual file systems, which keep changes of names in their order.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tree = Folder()
        self._files: dict[int, File] = {}  # by inode
        self._changes: list[_Change] = []

    def replay(self, record: Record) -> None:
        """Does what was recorded."""
        match record.kind:
            case "W":
                self._files[record.inode].pending.append((record.number, record.data))
            case "T":
                self._files[record.inode].pending.append((record.number, None))
            case "S":
                self._files[record.inode].sync()
            case "D":
                self._sync_folder(self._folder(record.name))
            case "C":
                self._files[record.inode] = File()
                self._change(None, self._slot(record.name), self._files[record.inode])
            case "M":
                self._change(None, self._slot(record.name), Folder())
            case "U":
                slot = self._slot(record.name)
                self._change(slot, None, slot[0].now[slot[1]])
            case "R" | "L":
                slot = self._slot(record.name)
                target = self._slot(record.data.decode())
                self._change(slot if record.kind == "R" else None, target, slot[0].now[slot[1]])

    def write_after_loss(self, target: Path, chance: random.Random | None, kept: float = 0.5) -> None:
        """Makes in the new folder `target` what a power loss now would leave; see `File.after_loss`."""
        copies: dict[Folder, dict[str, File | Folder]] = {}
        for change in self._changes if chance else ():
            if chance is not None and chance.random() < kept:
                change.do(lambda folder: copies.setdefault(folder, dict(folder.durable)))
        waiting = [(self._tree, target)]
        while waiting:
            folder, place = waiting.pop()
            place.mkdir(mode=0o700)
            for name, node in copies.get(folder, folder.durable).items():
                if isinstance(node, Folder):
                    waiting.append((node, place / name))
                else:
                    (place / name).write_bytes(node.after_loss(chance, kept))

    def _change(self, removed: _Slot | None, added: _Slot | None, node: File | Folder) -> None:
        change = _Change(removed, added, node)
        change.do(lambda folder: folder.now)
        self._changes.append(change)

    def _sync_folder(self, folder: Folder) -> None:
        """Settles what was done to its names, and what earlier changes did to names these touch elsewhere."""
        touched: set[_Slot] = set()
        settled: list[_Change] = []
        left: list[_Change] = []
        for change in reversed(self._changes):
            if touched & change.slots or any(slot[0] is folder for slot in change.slots):
                touched |= change.slots
                settled.append(change)
            else:
                left.append(change)
        for change in reversed(settled):
            change.do(lambda folder: folder.durable)
        self._changes = left[::-1]

    def _folder(self, path: str) -> Folder:
        folder = self._tree
        for name in Path(path).relative_to(self._root).parts:
            inner = folder.now[name]
            if not isinstance(inner, Folder):
                raise NotADirectoryError(path)
            folder = inner
        return folder

    def _slot(self, path: str) -> _Slot:
        parent, _, name = path.rpartition("/")
        return self._folder(parent), name


def _apply(content: bytearray, place: int, data: bytes | None) -> None:
    if data is None:
        del content[place:]
    if len(content) < place:
        content.extend(bytes(place - len(content)))
    if data is not None:
        content[place : place + len(data)] = data


def _sectors(place: int, data: bytes | None) -> Iterator[tuple[int, bytes | None]]:
    """A write as its sectors; a new size is one piece."""
    if data is None:
        yield place, None
        return
    begin = 0
    while begin < len(data):
        end = min(len(data), begin + SECTOR - (place + begin) % SECTOR)
        yield place + begin, data[begin:end]
        begin = end
