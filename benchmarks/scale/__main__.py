"""`python -m benchmarks.scale`: whether FinWise keeps its pace when there is more. FinWise alone.

--write puts the tables into a page, between its marks. Ends with 1 if something was not answered as it should be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import machine
from benchmarks.scale import cost, imports, loads, tenants
from benchmarks.scale.section import Amount
from harness import page

MARK = "scale"
MEASURES = {"cost": cost.measure, "tenants": tenants.measure, "loads": loads.measure, "imports": imports.measure}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("measures", nargs="*", choices=[[], *MEASURES], help="only these")
    parser.add_argument("--bookings", type=int, default=Amount.many, help="of the large book, and of the import")
    parser.add_argument("--tenants", type=int, default=Amount.tenants, help="of the larger server; 20 at least")
    parser.add_argument("--loads", type=int, default=Amount.loads, help="at once")
    parser.add_argument("--repeats", type=int, default=Amount.repeats, help="of each request whose cost is measured")
    parser.add_argument("--seconds", type=float, default=Amount.seconds, help="of pushes before something begins")
    parser.add_argument("--folder", type=Path, help="where the servers keep their data; else the temporary folder")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")
    options = parser.parse_args()
    if options.tenants < 20:
        parser.error("--tenants: give 20 at least")
    return options


def main() -> None:
    """Runs all, or those named."""
    options = _options()
    amount = Amount(
        many=options.bookings,
        tenants=options.tenants,
        loads=options.loads,
        repeats=options.repeats,
        seconds=options.seconds,
    )
    sections = []
    for name in options.measures or MEASURES:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="finwise-scale-", dir=options.folder) as made:
            sections.append(MEASURES[name](Path(made, name), amount))
            where = machine.described(Path(made))
        print(f"{name}, {time.monotonic() - begun:.0f} s\n\n{sections[-1].text}\n", flush=True)
    text = "\n\n".join([f"{machine.moment()}\n{where}", *(section.text for section in sections)])
    if options.write:
        page.put(options.write, text, MARK)
    if any(section.failures for section in sections):
        sys.exit("FAILED: something was not answered as it should be; see above")


if __name__ == "__main__":
    main()
