"""A function of a plugin's binding, bound to tensors on the card: pointers are taken once, a launch is one call."""

from __future__ import annotations

import ctypes
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from .library import library


class CallError(RuntimeError):
    """Raised when a launcher returns a CUDA error."""


def bound(plugin: str, symbol: str, *arguments: Any) -> Any:
    """A launch on PyTorch's stream of the moment; tensors, (tuples of) numbers and None as the binding has them.

    The binding takes the stream last. The launch keeps its tensors. Raises CallError when it is called and returns an
    error.
    """
    function = getattr(library(plugin), symbol)
    passed = [_passed(argument) for argument in arguments]

    # A pointer keeps no memory: what only it names goes to the next tensor, or away when a graph is captured.
    def launch(_kept: tuple[Any, ...] = arguments) -> None:
        status = function(*passed, ctypes.c_void_p(torch.cuda.current_stream().cuda_stream))
        if status != 0:
            raise CallError(f"{plugin}: {symbol} returned CUDA error {status}")

    return launch


def number(plugin: str, symbol: str, *arguments: float | tuple[int, ...]) -> int:
    """What a function of numbers gives, such as the bytes of a workspace."""
    function = getattr(library(plugin), symbol)
    function.restype = ctypes.c_int64
    return int(function(*(_passed(argument) for argument in arguments)))


def _passed(argument: Any) -> Any:
    if argument is None:
        return ctypes.c_void_p(None)
    if isinstance(argument, torch.Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    if isinstance(argument, tuple):
        return (ctypes.c_int64 * len(argument))(*argument)
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_int64(int(argument))
