"""Child processes that do not outlive the process that started them (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec a child of a threaded process may call no loader.
_PRCTL = ctypes.CDLL(None, use_errno=True).prctl


def dies_with_parent(sent: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn` after which the kernel sends this signal to the child when the *thread* that started it ends."""
    parent = os.getpid()
    number = int(sent)

    def before_exec() -> None:
        if _PRCTL(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
            os._exit(126)
        # The parent may have died before the request was made.
        if os.getppid() != parent:
            os._exit(126)

    return before_exec
