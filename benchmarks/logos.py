"""What logos cost: `python -m benchmarks.logos` stores a book with 100 of them and prints how large it is.

A logo is the `image` of an account: a data URL. Nothing in an image that is compressed already can be packed further
but the base64 around it.
"""

import base64
import gzip
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from finwise import create_domain, now
from finwise.config import Settings
from finwise.domain.sync import PushRequest

LOGOS = 100
KINDS = {"none": 0, "shrunk to 128 x 128": 6_000, "at the warning": 65_536, "as large as a change may be": 262_000}


def main() -> None:
    """Prints a table."""
    print(f"| image of {LOGOS} accounts | characters of each | file of the book | first load | gzipped |")
    print("|---|---|---|---|---|")
    for name, characters in KINDS.items():
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            sizes = " | ".join(f"{size / 1024:,.0f} KiB" for size in measure(Path(folder), characters))
        print(f"| {name} | {characters:,} | {sizes} |")


def measure(folder: Path, characters: int) -> tuple[int, int, int]:
    """Bytes of the file, of the first load, and of the first load gzipped as the server does it."""
    settings = replace(Settings(), instance=str(folder / "instance"), tenant_databases=str(folder / "books"))
    tenant_id = str(uuid4())
    with closing(create_domain(settings)) as domain:
        domain.tenants.create(domain.users.only(now()), tenant_id, "Home", None, now())
        for change in _changes(characters):
            domain.sync.push(tenant_id, PushRequest([change]), now())
        with domain.sync.initial(tenant_id, None) as load:
            loaded = b"\n".join(text for chunk in load.chunks for text in chunk)
    file = folder / "books" / f"tenant_{tenant_id}.db"
    return file.stat().st_size, len(loaded), len(gzip.compress(loaded, 1))


def _changes(characters: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(1)
    for number in range(LOGOS):
        image = base64.b64encode(chance.randbytes(characters * 3 // 4)).decode()
        yield {
            "change_id": str(uuid4()),
            "entity_type": "accounts",
            "id": f"account-{number}",
            "updated_at": "2026-01-09T19:01:00.000Z",
            "data": {"name": f"Account {number}"} | ({"image": f"data:image/webp;base64,{image}"} if image else {}),
        }


if __name__ == "__main__":
    main()
