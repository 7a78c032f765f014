"""Every bench in turn, and one table: `python -m tests.bench [NAME…]`. Exits with 1 where a target is missed.

Nothing is kept. Other work on the machine shows in the figures: measure in a quiet moment, or more than once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from . import blobs, claims, command, lists, overhead, pages
from .figures import Figure, Row, table

BENCHES: dict[str, Callable[[], list[Row]]] = {
    "command": command.measure,
    "overhead": overhead.measure,
    "claims": claims.measure,
    "lists": lists.measure,
    "pages": pages.measure,
    "blobs": blobs.measure,
}


def main() -> None:
    """Measure what was named, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; by default all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    asked = parser.parse_args()
    names = asked.names or list(BENCHES)
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        parser.error(f"no bench is called {', '.join(unknown)}")
    rows: list[Row] = []
    for name in names:
        sys.stderr.write(f"{name} ...\n")
        found = BENCHES[name]()
        # The whole takes minutes: what is known already should not be lost with the rest.
        sys.stderr.write(table(found))
        rows += found
    sys.stdout.write(table(rows))
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    sys.exit(0 if all(row.met for row in rows if isinstance(row, Figure)) else 1)


if __name__ == "__main__":
    main()
