"""Tensors of the real PyTorch through an engine, on the processor; `tests/gpu` has those on a card."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Invalid
from farm.runtime import Engine
from farm.runtime.dlpack import borrow
from farm.runtime.dlpack.lend import Lent, lent_out

from ...support import models, pytorch
from .bundles import HERE, IMAGES, bundle_in

if sys.version_info < (3, 10):
    pytest.skip(f"PyTorch {pytorch.VERSION} is not made for this Python", allow_module_level=True)


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytorch.torch(os.environ)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with Engine.open(bundle_in(tmp_path), HERE) as engine:
        yield engine


@pytest.fixture
def images(torch: Any) -> Any:
    return torch.from_numpy(IMAGES["images"].copy())


@pytest.fixture(autouse=True)
def _all_is_given_back() -> Iterator[Any]:
    yield
    gc.collect()
    assert lent_out() == 0


def test_tensors_give_tensors(engine: Any, torch: Any, images: Any) -> None:
    wanted = engine.run(IMAGES)
    for _ in range(3):
        outputs = engine.run({"images": images})
        for name, tensor in outputs.items():
            assert isinstance(tensor, torch.Tensor)
            np.testing.assert_array_equal(tensor.numpy(), wanted[name])
    assert lent_out() == len(wanted)
    outputs["logits"].add_(1)  # they belong to the caller
    np.testing.assert_array_equal(engine.run({"images": images})["logits"].numpy(), wanted["logits"])


def test_inputs_are_not_copied(torch: Any, images: Any) -> None:
    borrowed = borrow(images)
    assert (borrowed.address, borrowed.dtype, borrowed.is_dense) == (images.data_ptr(), "float32", True)
    last = borrow(images.to(memory_format=torch.channels_last))
    assert (last.shape, last.is_dense) == (tuple(images.shape), False)


def test_outputs_are_not_copied(torch: Any) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensor = torch.from_dlpack(Lent(array.ctypes.data, array.shape, "float32", (1, 0), array))
    assert tensor.data_ptr() == array.ctypes.data
    assert tensor.shape == (2, 3)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"])
def test_every_element_type_goes_both_ways(torch: Any, dtype: str) -> None:
    tensor = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, dtype))
    assert borrow(tensor).dtype == dtype
    array = tensor.numpy()
    back = torch.from_dlpack(Lent(array.ctypes.data, array.shape, dtype, (1, 0), array))
    assert torch.equal(back, tensor)


def test_a_reader_lets_go_of_its_tensor(torch: Any) -> None:
    tensor = torch.ones(3)
    gone = weakref.ref(tensor.untyped_storage())
    borrowed = borrow(tensor)
    del tensor
    gc.collect()
    assert list((ctypes.c_float * 3).from_address(borrowed.address)) == [1, 1, 1]
    borrowed.release()
    gc.collect()
    assert gone() is None


def test_tensors_with_gaps_or_another_order_are_read(engine: Any, torch: Any, images: Any) -> None:
    wanted = engine.run(IMAGES)["logits"]
    for form in (images.to(memory_format=torch.channels_last), torch.cat([images, images], 3)[..., :16], images.mT.mT):
        np.testing.assert_array_equal(engine.run({"images": form})["logits"].numpy(), wanted)


def test_outputs_are_written_into_tensors(engine: Any, torch: Any, images: Any) -> None:
    wanted = engine.run(IMAGES)["logits"]
    room = torch.zeros(1, 10)
    assert engine.infer_into({"images": images}, {"logits": room}) == {"logits": (1, 10)}
    np.testing.assert_array_equal(room.numpy(), wanted)


def test_integers_and_open_axes(tmp_path: Path, torch: Any) -> None:
    with Engine.open(bundle_in(tmp_path, models.top_k_net()), HERE) as engine:
        for rows in (1, 5):
            x = torch.randn(rows, 8)
            found = engine.run({"x": x})
            values, indices = torch.topk(x, 3)
            assert torch.equal(found["values"], values)
            assert torch.equal(found["indices"], indices)


def test_the_library_of_the_outputs_can_be_named(engine: Any, torch: Any, images: Any) -> None:
    assert isinstance(engine.run({"images": images}, like=np)["logits"], np.ndarray)
    assert isinstance(engine.run(IMAGES, like=torch)["logits"], torch.Tensor)


def test_what_pytorch_does_not_hand_over_is_refused_in_its_words(engine: Any, torch: Any, images: Any) -> None:
    with pytest.raises(Invalid, match=r"torch.Tensor does not hand its memory over: .*gradient"):
        engine.run({"images": images.requires_grad_()})
    with pytest.raises(Invalid, match="input 'images' is bfloat16"):
        engine.run({"images": images.detach().to(torch.bfloat16)})
