from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from farm.runtime.dlpack import borrow, capsule
from farm.runtime.dlpack.borrow import opened
from farm.runtime.dlpack.lend import Lent, lent_out

VERSIONS = [None, (0, 8), (1, 0), (1, 9)]


class Owner:
    """Counts those that are there."""

    alive = 0

    def __init__(self) -> None:
        Owner.alive += 1

    def __del__(self) -> None:
        Owner.alive -= 1


def lent(array: Any, device: Any = (1, 0), owner: Any = None) -> Any:
    return Lent(array.ctypes.data, array.shape, array.dtype.name, device, (array, owner))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_owner_lives_until_the_reader_lets_go(version: Any) -> None:
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    box = lent(array, owner=Owner()).__dlpack__(max_version=version)
    borrowed = opened(box)
    assert (borrowed.address, borrowed.shape, borrowed.strides) == (array.ctypes.data, (2, 3), (3, 1))
    del box
    gc.collect()
    assert (Owner.alive, lent_out()) == (1, 1)
    borrowed.release()
    assert (Owner.alive, lent_out()) == (0, 0)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_capsule_that_nobody_opens_gives_back_what_it_holds(version: Any) -> None:
    box = lent(np.zeros(3), owner=Owner()).__dlpack__(max_version=version)
    assert Owner.alive == 1
    del box
    gc.collect()
    assert (Owner.alive, lent_out()) == (0, 0)


def test_readers_of_version_1_get_it_and_others_the_old_one() -> None:
    array = lent(np.zeros(3))
    assert capsule.name_of(array.__dlpack__(max_version=(1, 0))) == capsule.VERSIONED
    assert capsule.name_of(array.__dlpack__()) == capsule.PLAIN


def test_each_reader_has_its_own_capsule() -> None:
    array = lent(np.zeros(3), owner=Owner())
    first, second = borrow(array), borrow(array)
    assert lent_out() == 2
    first.release()
    del array
    assert Owner.alive == 1
    second.release()
    assert (Owner.alive, lent_out()) == (0, 0)


def test_a_copy_or_another_device_is_refused() -> None:
    array = lent(np.zeros(3))
    for words in ({"copy": True}, {"dl_device": (2, 0)}):
        with pytest.raises(BufferError, match="where it lies"):
            array.__dlpack__(**words)
    opened(array.__dlpack__(copy=False, dl_device=(1, 0))).release()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int32", "int64"])
def test_numpy_reads_every_type(dtype: str) -> None:
    array = np.arange(6).reshape(2, 1, 3).astype(dtype)
    found = np.from_dlpack(lent(array))
    assert found.ctypes.data == array.ctypes.data
    np.testing.assert_array_equal(found, array)
    del found
    gc.collect()
    assert lent_out() == 0


def test_numbers_without_axes_and_arrays_without_elements() -> None:
    for array in (np.array(3.5), np.zeros((2, 0, 4), np.float32)):
        found = np.from_dlpack(lent(array))
        np.testing.assert_array_equal(found, array)
        assert found.shape == array.shape
