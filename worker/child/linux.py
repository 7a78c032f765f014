"""What the kernel does for processes and Python has no word for."""

from __future__ import annotations

import ctypes
import os
import resource

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_DESCRIPTORS = 4096


def die_with_parent(number: int) -> None:
    """Get this signal when the thread that started this process ends; 0 takes it back."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ended, to collect them: not every first process does so."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def collect(group: int) -> bool:
    """Collect one ended child of ours out of a process group; False when there is none at present."""
    try:
        return os.waitpid(-group, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def hide() -> None:
    """Keep other processes of this user from reading our memory and environment, where tokens are.

    A process of root reads them all the same: run workers as a user of their own.
    """
    _prctl(_PR_SET_DUMPABLE, 0)
    # What a hidden process has open cannot be listed, so that starting a child would close every number there can be.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft > _DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
