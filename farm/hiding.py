"""A process that holds tokens, kept from being read by others of its user."""

from __future__ import annotations

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4
_DESCRIPTORS = 4096


def hide(most_descriptors: int = _DESCRIPTORS) -> None:
    """Keep other processes of this user from reading our memory and environment, where tokens are; once for each start.

    One that may trace others, as root may, reads them all the same.

    Args:
        most_descriptors: That this process may have open from now on. What a hidden process has open cannot be listed,
            so that starting a child closes every number there can be.

    Raises: OSError: the kernel refused.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft > most_descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most_descriptors, hard))
