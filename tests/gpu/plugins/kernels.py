"""The functions of a plugin's binding on the card, called as `tests.plugins.cpu.kernels.Kernels` calls them here.

With `FARM_TEST_CARD` set, tests of kernels run by it: `FARM_TEST_CARD=1 python -m pytest tests/plugins -k kernel`.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.cpu.kernels import Argument, Kernels, Output, Scratch

from .library import library

Array = Any
_POISON = 0xFF
# What a launcher must not touch behind a buffer; a multiple of what vectors ask for.
_BEHIND_BYTES = 4096


class CardKernels(Kernels):
    """Those of one plugin."""

    def __init__(self, name: str) -> None:
        self._functions = library(name)

    @classmethod
    def of(cls, name: str) -> CardKernels:
        """As the class it stands for."""
        return cls(name)

    def call(self, symbol: str, *arguments: Argument) -> list[Array]:
        """What a function writes into its outputs.

        Raises: AssertionError: it returned an error, failed on the card, or wrote beside its buffers or to an input.
        """
        status, held = self._called(symbol, arguments)
        assert status == 0, f"{symbol} returned CUDA error {status}"
        torch.cuda.synchronize()
        outputs = []
        for argument, buffer in zip(arguments, held, strict=True):
            if buffer is None:
                continue
            found = buffer.cpu().numpy()
            assert (found[found.size - _BEHIND_BYTES :] == _POISON).all(), f"{symbol} wrote behind a buffer"
            found = found[: found.size - _BEHIND_BYTES]
            if isinstance(argument, Output):
                outputs.append(found.view(argument.dtype).reshape(argument.shape))
            elif isinstance(argument, np.ndarray):
                assert found.tobytes() == argument.tobytes(), f"{symbol} wrote to an input"
        return outputs

    def status(self, symbol: str, *arguments: Argument) -> int:
        """What a function returns."""
        return self._called(symbol, arguments)[0]

    def close(self) -> None:
        """Nothing is open."""

    def _called(self, symbol: str, arguments: tuple[Argument, ...]) -> tuple[int, list[Any]]:
        held = [_on_card(argument) for argument in arguments]
        passed = [_passed(argument, buffer) for argument, buffer in zip(arguments, held, strict=True)]
        return int(getattr(self._functions, symbol)(*passed)), held


def _on_card(argument: Argument) -> Any:
    if isinstance(argument, np.ndarray):
        contents = np.frombuffer(argument.tobytes() + bytes([_POISON]) * _BEHIND_BYTES, np.uint8)
        return torch.from_numpy(contents.copy()).cuda()
    if isinstance(argument, Output):
        size = int(np.prod(argument.shape)) * np.dtype(argument.dtype).itemsize
    elif isinstance(argument, Scratch):
        size = argument.size_bytes
    else:
        return None
    return torch.full((size + _BEHIND_BYTES,), _POISON, dtype=torch.uint8, device="cuda")


def _passed(argument: Argument, buffer: Any) -> Any:
    if buffer is not None:
        return ctypes.c_void_p(buffer.data_ptr())
    if argument is None:  # an optional tensor, or the default stream
        return ctypes.c_void_p(None)
    if isinstance(argument, float):
        return ctypes.c_double(argument)
    return ctypes.c_int64(int(argument))  # type: ignore[arg-type]
