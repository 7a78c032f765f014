"""`python -m worker.host.child WORKSPACE`: one preparation in a process of its own.

The workspace and what comes out of it are the child protocol of docs/architecture.md; a person may run it too.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from farm.protocol.states import State
from farm.protocol.work import PreparationWork
from worker.child.guard import guard
from worker.settings import stages_descriptor

from .prepare import prepare


def main() -> int:
    """Prepare what the workspace says; the exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m worker.host.child WORKSPACE\n")
        return 2
    return guard(PreparationWork, prepare, State.PREPARING, Path(sys.argv[1]), stages_descriptor(), _get_ready)


def _get_ready(_work: PreparationWork, _workspace: Path) -> None:
    """Load what takes long; a preparation meets what is wrong with it again, and says what it means."""
    for name in ("onnx.checker", "onnxruntime"):
        with suppress(ImportError, OSError):
            import_module(name)


if __name__ == "__main__":
    sys.exit(main())
