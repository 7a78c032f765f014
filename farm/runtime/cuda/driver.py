"""Calls of the CUDA driver; every failure is a `BuildFailed` with the driver's own words."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

from farm.protocol.errors import BuildFailed, Unsupported

_LIBRARY = "libcuda.so.1"
_NEXT = {
    "CUDA_ERROR_OUT_OF_MEMORY": "Free memory on the card: nvidia-smi shows who holds it.",
    "CUDA_ERROR_NO_DEVICE": "Run farm doctor: it looks for the card and its driver.",
}


class Driver:
    """The library, opened and started once in a process. Use `driver()`."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise Unsupported(f"there is no NVIDIA driver here: {error}", "Run farm doctor on this machine.") from error
        self.call("cuInit", ctypes.c_uint(0))

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function with ctypes values.

        Raises: BuildFailed: it did not succeed.
        """
        status = getattr(self._library, function)(*arguments)
        if status != 0:
            name = self._text("cuGetErrorName", status)
            raise BuildFailed(
                f"CUDA: {self._text('cuGetErrorString', status)} ({name} from {function})",
                _NEXT.get(name, "Look at the kernel's log with dmesg: it names faults of the card."),
            )

    def has(self, function: str) -> bool:
        """Whether this driver is new enough to have a function."""
        return hasattr(self._library, function)

    def _text(self, function: str, status: int) -> str:
        text = ctypes.c_char_p()
        getattr(self._library, function)(ctypes.c_int(status), ctypes.byref(text))
        return (text.value or b"unknown error").decode()


@lru_cache(maxsize=None)
def driver() -> Driver:
    """The driver of this machine.

    Raises: Unsupported: there is none. BuildFailed: it does not start.
    """
    return Driver()
