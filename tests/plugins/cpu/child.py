"""Runs kernels in a process that may die of them: calls come on the standard input, answers go to the output.

Each buffer is an allocation of its own, so that the address sanitizer sees the first byte beside it that is touched.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
from typing import Any, BinaryIO

ALIGNMENT = 256  # what CUDA and TensorRT give
POISON = 0xFF  # not a number in every type of numbers with a fraction, -1 in others


def serve(library: ctypes.CDLL, calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer calls until there are no more: (symbol, arguments) gives (status, contents of buffers afterwards)."""
    while True:
        try:
            symbol, arguments = pickle.load(calls)
        except EOFError:
            return
        pickle.dump(called(library, symbol, arguments), answers)
        answers.flush()


def called(library: ctypes.CDLL, symbol: str, arguments: list[tuple[str, Any]]) -> tuple[int, list[bytes]]:
    """One call. An argument is ("bytes", contents), ("poison", size), ("int", value), ("double", value) or null."""
    passed: list[Any] = []
    buffers: list[tuple[ctypes.c_void_p, int]] = []
    for kind, value in arguments:
        if kind in ("bytes", "poison"):
            size = len(value) if kind == "bytes" else value
            place = _allocated(size)
            if kind == "bytes":
                ctypes.memmove(place, value, size)
            else:
                ctypes.memset(place, POISON, size)
            buffers.append((place, size))
            passed.append(place)
        else:
            passed.append({"int": ctypes.c_int64, "double": ctypes.c_double, "null": ctypes.c_void_p}[kind](value))
    status = getattr(library, symbol)(*passed)
    contents = [ctypes.string_at(place, size) for place, size in buffers]
    for place, _ in buffers:
        _LIBC.free(place)
    return status, contents


_LIBC = ctypes.CDLL(None)


def _allocated(size: int) -> ctypes.c_void_p:
    place = ctypes.c_void_p()
    if _LIBC.posix_memalign(ctypes.byref(place), ctypes.c_size_t(ALIGNMENT), ctypes.c_size_t(size)) != 0:
        raise MemoryError(f"{size} bytes")
    return place


if __name__ == "__main__":
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a kernel prints is no answer
    serve(ctypes.CDLL(sys.argv[1]), sys.stdin.buffer, out)
