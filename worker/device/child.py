"""`python -m worker.device.child WORKSPACE`: one build in a process of its own.

The workspace and what comes out of it are the child protocol of docs/architecture.md; a person may run it too.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from farm.protocol.states import State
from farm.protocol.work import BuildWork
from worker.child.guard import Stages, guard
from worker.child.result import ChildResult
from worker.settings import stages_descriptor

from .build import make
from .builders.table import load
from .rtx_parser import start_again

_MODULE = "worker.device.child"


def main() -> int:
    """Build what the workspace says; the exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m worker.device.child WORKSPACE\n")
        return 2
    return guard(BuildWork, _make, State.BUILDING, Path(sys.argv[1]), stages_descriptor(), _get_ready)


def _get_ready(work: BuildWork, workspace: Path) -> None:
    start_again(work, _MODULE, workspace)
    try:
        load(work.key.target.backend).get_ready()
    except Exception as error:  # the build meets it again, and says what it means
        logging.getLogger(__name__).debug("not ready: %s", error)


def _make(work: BuildWork, workspace: Path, stages: Stages) -> ChildResult:
    return make(work, workspace, stages, stages.progress)


if __name__ == "__main__":
    sys.exit(main())
