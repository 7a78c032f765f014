"""The functions of a plugin's binding on the card, called as `tests.plugins.cpu.kernels.Kernels` calls them here.

With `FARM_TEST_CARD` set, tests of kernels run by it: `FARM_TEST_CARD=1 python -m pytest tests/plugins -k kernel`.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Argument, Array, Kernels, Output, Scratch

from .library import library
from .memory import CardBuffer, wait


class CardKernels(Kernels):
    """Those of a library that was compiled for the card."""

    def __init__(self, functions: ctypes.CDLL) -> None:
        self._functions = functions

    @classmethod
    def of(cls, name: str) -> CardKernels:
        """As the class it stands for."""
        return cls(library(name))

    def call(self, symbol: str, *arguments: Argument) -> list[Array]:
        """What a function writes into its outputs.

        Raises: AssertionError: it returned an error, failed on the card, or wrote beside its buffers or to an input.
        """
        status, contents = self._called(symbol, arguments)
        assert status == 0, f"{symbol} returned CUDA error {status}"
        outputs = []
        for argument, found in zip(arguments, contents, strict=True):
            if isinstance(argument, Output):
                outputs.append(np.frombuffer(found, argument.dtype).reshape(argument.shape))
            elif isinstance(argument, np.ndarray):
                assert found == argument.tobytes(), f"{symbol} wrote to an input"
        return outputs

    def status(self, symbol: str, *arguments: Argument) -> int:
        """What a function returns."""
        return self._called(symbol, arguments)[0]

    def close(self) -> None:
        """Nothing is open."""

    def _called(self, symbol: str, arguments: tuple[Argument, ...]) -> tuple[int, list[bytes]]:
        """The status, and what is in each buffer afterwards; into a scratch nobody looks."""
        held = [_on_card(argument) for argument in arguments]
        passed = [_passed(argument, buffer) for argument, buffer in zip(arguments, held, strict=True)]
        try:
            status = int(getattr(self._functions, symbol)(*passed))
            wait()
            return status, [_left(argument, buffer) for argument, buffer in zip(arguments, held, strict=True)]
        finally:
            for buffer in held:
                if buffer is not None:
                    buffer.free()


def _on_card(argument: Argument) -> CardBuffer | None:
    if isinstance(argument, np.ndarray):
        return CardBuffer(argument.nbytes, argument.tobytes())
    if isinstance(argument, Output):
        return CardBuffer(int(np.prod(argument.shape)) * np.dtype(argument.dtype).itemsize)
    return CardBuffer(argument.size_bytes) if isinstance(argument, Scratch) else None


def _left(argument: Argument, buffer: CardBuffer | None) -> bytes:
    if buffer is None:
        return b""
    if isinstance(argument, Scratch):
        buffer.check()
        return b""
    return buffer.contents()


def _passed(argument: Argument, buffer: CardBuffer | None) -> Any:
    if buffer is not None:
        return ctypes.c_void_p(buffer.address)
    if argument is None:  # an optional tensor, or the default stream
        return ctypes.c_void_p(None)
    if isinstance(argument, float):
        return ctypes.c_double(argument)
    if isinstance(argument, tuple):
        return (ctypes.c_int64 * len(argument))(*argument)
    return ctypes.c_int64(int(argument))  # type: ignore[arg-type]
