"""Folders that a build cannot read or write, though they belong to its user: Linux's Landlock, from 5.13 on.

A kernel without it changes nothing. The rules can only allow, so what is to be hidden is left out: of each folder on
the way to it, everything beside the way is allowed. What appears there later is not.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from typing import Iterable, Iterator, List, Sequence, Tuple

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_WHICH_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE, _READ_FILE = 1 << 1, 1 << 2
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_OF_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE


_LIBRARY = ctypes.CDLL(None, use_errno=True)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Which Landlock this kernel has; 0 means none."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_WHICH_VERSION))
    except OSError:
        return 0


def confine(hidden: Sequence[str], own: Sequence[str] = (), read_only: Sequence[str] = ()) -> bool:
    """Keep this process and all that it starts from what lies in `hidden`; names of files there can still be listed.

    It also gives up rights that a program would give it (`setuid`).

    Args:
        hidden: Files and folders, there or not.
        own: Folders in hidden ones that it may use all the same.
        read_only: The same, to read from only.

    Returns: False where the kernel has no Landlock, and nothing has changed.

    Raises: OSError: it has, and refused.
    """
    found = version()
    if not found:
        return False
    rights = _WRITE_FILE | _READ_FILE | _REMOVE_AND_MAKE
    rights |= (_REFER if found >= 2 else 0) | (_TRUNCATE if found >= 3 else 0)
    handled = ctypes.c_uint64(rights)
    rules = _call(_CREATE_RULESET, ctypes.byref(handled), ctypes.c_size_t(8), ctypes.c_uint32(0))
    try:
        for path in (*_beside([os.path.realpath(path) for path in hidden]), *own):
            _allow(rules, path, rights)
        for path in read_only:
            _allow(rules, path, _READ_FILE)
        if _LIBRARY.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0):
            raise _failed()
        _call(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)
    return True


def inside(hidden: Sequence[str], places: Iterable[str]) -> Tuple[str, ...]:
    """Those of the places that lie in a hidden one, and are not one themselves."""
    ways = [os.path.realpath(path) + os.sep for path in hidden]
    real = {os.path.realpath(place) for place in places if place}
    return tuple(sorted(place for place in real if any(place.startswith(way) for way in ways)))


def _beside(hidden: Sequence[str]) -> Iterator[str]:
    """What lies beside the ways from the root to hidden places, and not in one."""
    ways = {tuple(path.strip("/").split("/")) for path in hidden}
    if () in ways or ("",) in ways:
        return
    waiting: List[Tuple[str, ...]] = [()]
    while waiting:
        way = waiting.pop()
        for name in _names("/" + "/".join(way)):
            inner = (*way, name)
            if inner in ways:
                continue
            if any(other[: len(inner)] == inner for other in ways):
                waiting.append(inner)
            else:
                yield "/" + "/".join(inner)


def _names(folder: str) -> Iterable[str]:
    try:
        return os.listdir(folder)
    except OSError:  # not there, or not ours to list: then nothing in it is ours to read either
        return ()


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        # Not through a link: where it leads is allowed by the way to there, or is not.
        opened = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # gone meanwhile
        return
    try:
        kind = os.fstat(opened).st_mode
        if stat.S_ISLNK(kind):
            return
        beneath = _PathBeneath(rights if stat.S_ISDIR(kind) else rights & _OF_FILES, opened)
        _call(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), ctypes.byref(beneath), ctypes.c_uint32(0))
    except OSError as error:
        if error.errno not in (errno.EBADFD, errno.EINVAL):
            raise  # those two are said of what is no place for files, such as a socket
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    status: int = _LIBRARY.syscall(ctypes.c_long(number), *arguments)
    if status < 0:
        raise _failed()
    return status


def _failed() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
