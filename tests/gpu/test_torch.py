"""Tensors of the real PyTorch on the card, through the farm's reader and writer of DLPack.

Where PyTorch and TensorRT live in different Pythons, this one needs PyTorch's; without pytest there:
`python -m tests.gpu.test_torch`. What TensorRT does with such memory is in `test_arrays`.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np

from farm.protocol.errors import Invalid
from farm.runtime.cuda.array import DeviceArray, empty
from farm.runtime.cuda.device import Device
from farm.runtime.cuda.stream import Stream
from farm.runtime.dlpack import borrow
from farm.runtime.dlpack.lend import lent_out
from farm.runtime.libraries import handed_over, library_of, on_gpu
from farm.runtime.values import value_of

from .foreign import on_host

if find_spec("torch") is None:
    import pytest

    pytest.skip("this Python has no PyTorch", allow_module_level=True)

import torch  # type: ignore[import-not-found,unused-ignore]

# Some tens of milliseconds, in cycles of the card.
_LONG = 50_000_000


def setup_module() -> None:
    """Let PyTorch make its context the current one."""
    torch.ones(1, device="cuda")


def refusal(array: Any, gpu: int | None) -> str:
    """Why it is not read; pytest may be missing here."""
    try:
        value_of(array, "input 'x'", Stream().handle, gpu)
    except Invalid as error:
        return error.message
    return ""


def values(array: Any) -> Any:
    """Of an array on the card."""
    return on_host(array.address, array.shape, array.dtype)


def test_tensors_are_read_where_they_lie() -> None:
    for dtype in ("float16", "float32", "int8", "uint8", "int32", "int64", "bool"):
        tensor = torch.tensor([[0, 1, 1], [1, 0, 1]], device="cuda").to(getattr(torch, dtype))
        value = value_of(tensor, "input 'x'", Stream().handle, 0)
        assert isinstance(value, DeviceArray)
        assert (value.address, value.shape, value.dtype.name) == (tensor.data_ptr(), (2, 3), dtype)
        np.testing.assert_array_equal(values(value), tensor.cpu().numpy())
    assert on_gpu({"x": tensor})
    assert library_of({"x": tensor}) is torch


def test_what_torch_still_computes_is_waited_for() -> None:
    ours, theirs = Stream(), torch.cuda.Stream()
    for turn in range(5):
        with torch.cuda.stream(theirs):
            tensor = torch.zeros(1 << 20, device="cuda")
            torch.cuda._sleep(_LONG)
            tensor.fill_(turn + 1)
            borrowed = borrow(tensor, ours.handle)
        found = np.empty(borrowed.shape, np.float32)
        ours.copy_out(found.ctypes.data, borrowed.address, found.nbytes)
        ours.wait()
        assert (found == turn + 1).all()


def test_memory_of_the_farm_becomes_tensors_and_is_freed_with_the_last() -> None:
    device = Device()
    free = []
    for _ in range(3):
        with device.current():
            arrays = {str(index): empty(0, (1 << 20,), "float32") for index in range(20)}
        addresses = [array.address for array in arrays.values()]
        tensors = handed_over(arrays, torch)
        del arrays
        assert [tensor.data_ptr() for tensor in tensors.values()] == addresses
        part = tensors["0"].fill_(3)[1024:2048]
        assert (part.is_cuda, part.device.index, float(part.sum())) == (True, 0, 3072.0)
        del tensors
        gc.collect()
        assert lent_out() == 1
        assert float(part.mean()) == 3.0
        del part
        gc.collect()
        assert lent_out() == 0
        with device.current():
            free.append(device.memory()[0])
    assert free[-1] >= free[0] - (1 << 21)
    device.close()


def test_what_the_engine_cannot_read_is_refused() -> None:
    tensor = torch.ones(64, 64, device="cuda")
    for wrong, gpu, said in (
        (tensor, None, "lies on GPU 0, and the engine runs on the processor"),
        (tensor, 1, "lies on GPU 0, and the engine runs on GPU 1"),
        (tensor.T[:, :32], 0, "with gaps, or with its axes in another order"),
        (tensor[0, 1:], 0, "no multiple of 256 bytes"),
        (tensor.to(torch.bfloat16), 0, "is bfloat16"),
        (tensor.requires_grad_(), 0, "does not hand its memory over"),
    ):
        told = refusal(wrong, gpu)
        assert said in told, (said, told)


def test_the_context_of_torch_stays_as_it_was() -> None:
    before = torch.cuda.current_device()
    device = Device()
    with device.current():
        pass
    device.close()
    assert torch.cuda.current_device() == before
    assert float(torch.ones(8, device="cuda").sum()) == 8.0


def main() -> None:
    """All of them."""
    checks = [(name, check) for name, check in sorted(globals().items()) if name.startswith("test_")]
    setup_module()
    device = Device()
    with device.current():
        for name, check in checks:
            check()
            sys.stdout.write(f"{name}: passed\n")
    device.close()
    sys.stdout.write(f"{len(checks)} passed, PyTorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
