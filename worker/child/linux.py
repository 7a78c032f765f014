"""What the kernel does for processes and Python has no word for."""

from __future__ import annotations

import ctypes
import os

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_READ, _PR_CAPBSET_DROP = 23, 24
_PR_SET_CHILD_SUBREAPER = 36
# Any of these reads the memory or the environment of a hidden process: to trace, to administrate, to measure.
_PRYING = (19, 21, 38)
# The layout of `capget` and `capset` with 64 capabilities: effective, permitted, inheritable of the lower half, then
# of the upper one.
_CAPABILITY_VERSION = 0x20080522
_Capabilities = ctypes.c_uint32 * 6


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


def trace_nobody() -> None:
    """Give up the rights to read the memory and environment of hidden processes, which root has, here and below."""
    library = ctypes.CDLL(None, use_errno=True)
    header, held = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0), _Capabilities()
    _check(library.capget(header, held))
    if not any(held):
        return
    for right in _PRYING:
        half, bit = divmod(right, 32)
        for kind in range(3 * half, 3 * half + 3):
            held[kind] &= ~(1 << bit)
    _check(library.capset(header, held))
    for right in _PRYING:
        # What a program that is started could get again. An older kernel does not know each of them.
        if library.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(right), 0, 0, 0) == 1:
            _prctl(_PR_CAPBSET_DROP, right)


def _prctl(option: int, value: int) -> None:
    _check(ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _check(status: int) -> None:
    if status != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
