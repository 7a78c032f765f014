"""`python -m tests.rig.scarce FOLDER MEBIBYTES THEN`: build ResNet-50 in a process that may hold only so much more.

The process has the limit from the moment the binding is imported, until the builder takes its next rung; then it has
THEN mebibytes (0 lets the limit stand). What came of it is printed as JSON.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
from pathlib import Path
from typing import Any

from tests.support import networks
from worker.device.builders.table import load

from .orders import order


class Relief(logging.Handler):
    """Lets the process hold more when a builder says that it begins again."""

    def __init__(self, then_bytes: int) -> None:
        super().__init__()
        self._then_bytes = then_bytes

    def emit(self, record: logging.LogRecord) -> None:
        if "once more with" in record.getMessage() and self._then_bytes:
            limit(self._then_bytes)


def limit(more_bytes: int) -> None:
    """Let this process hold so much more than now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more_bytes, hard))


def main() -> None:
    folder, mebibytes, then = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    builder = load("tensorrt_rtx")
    assert builder.probe().ok
    made = order(folder, networks.resnet50())
    logging.getLogger().addHandler(Relief(then << 20))
    limit(mebibytes << 20)
    try:
        built = builder.build(made)
    except MemoryError as error:
        told: dict[str, Any] = {"error": str(error)}
    else:
        told = {"effective": built.effective, "degraded": built.degraded}
    print(json.dumps(told))  # noqa: T201  that is what it is for


if __name__ == "__main__":
    main()
