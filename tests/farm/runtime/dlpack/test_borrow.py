from __future__ import annotations

import ctypes
import gc
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Invalid, Unsupported
from farm.runtime.dlpack import borrow, capsule
from farm.runtime.dlpack.borrow import opened

from .producer import Producer

VERSIONS = [None, (1, 0), (1, 7)]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_capsule_is_opened_renamed_and_given_back_once(version: Any) -> None:
    producer = Producer(version=version)
    box = producer.capsule()
    borrowed = opened(box)
    assert (borrowed.shape, borrowed.strides, borrowed.dtype) == ((2, 3), (3, 1), "int16")
    assert borrowed.address == ctypes.addressof(producer.values)
    assert capsule.name_of(box) in capsule.USED.values()
    del box
    gc.collect()
    assert producer.given_back == []
    borrowed.release()
    borrowed.release()
    del borrowed
    gc.collect()
    assert producer.given_back == [producer.address]


def test_what_is_let_go_is_given_back() -> None:
    producer = Producer()
    borrowed = borrow(producer)
    assert producer.given_back == []
    del borrowed
    gc.collect()
    assert producer.given_back == [producer.address]


def test_a_tensor_without_deleter_is_nobodys_to_give_back() -> None:
    producer = Producer(deleter=False)
    borrow(producer).release()
    assert producer.given_back == []


@pytest.mark.parametrize("version", VERSIONS)
def test_an_opened_capsule_cannot_be_opened_again(version: Any) -> None:
    producer = Producer(version=version)
    box = producer.capsule()
    borrowed = opened(box)
    with pytest.raises(Invalid, match="used up"):
        opened(box)
    borrowed.release()
    assert len(producer.given_back) == 1


@pytest.mark.parametrize("thing", [None, 7, b"dltensor", capsule.new(1, b"other", None)])
def test_what_is_no_capsule_is_refused(thing: Any) -> None:
    with pytest.raises(Invalid, match="no DLPack capsule"):
        opened(thing)


def test_another_major_version_is_refused_and_left_to_its_owner() -> None:
    producer = Producer(version=(2, 0))
    box = producer.capsule()
    with pytest.raises(Unsupported, match=r"DLPack 2\.0"):
        opened(box)
    assert capsule.name_of(box) == capsule.VERSIONED
    assert producer.given_back == []


@pytest.mark.parametrize(
    ("shape", "strides", "dense"),
    [
        ((2, 3), (3, 1), True),
        ((2, 3), None, True),
        ((2, 3), (1, 2), False),
        ((2, 3), (6, 2), False),
        ((1, 3), (99, 1), True),
        ((3, 1), (1, 99), True),
        ((2, 0), (5, 7), True),
        ((), None, True),
        ((2,), (-1,), False),
    ],
)
def test_strides(shape: Any, strides: Any, dense: bool) -> None:
    assert borrow(Producer(shape, strides)).is_dense is dense


def test_an_offset_moves_the_beginning() -> None:
    producer = Producer(offset_bytes=10)
    assert borrow(producer).address == ctypes.addressof(producer.values) + 10


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        ((0, 8, 1), "int8"),
        ((1, 8, 1), "uint8"),
        ((2, 16, 1), "float16"),
        ((6, 8, 1), "bool"),
        ((4, 16, 1), "bfloat16"),
        ((5, 64, 1), "complex64"),
        ((2, 32, 4), "float32 x 4"),
        ((10, 8, 1), "type 10 of 8"),
    ],
)
def test_element_types_have_names(dtype: Any, name: str) -> None:
    assert borrow(Producer(dtype=dtype)).dtype == name


def test_flags_of_a_versioned_tensor() -> None:
    assert borrow(Producer(version=(1, 0), flags=1)).read_only
    assert not borrow(Producer(version=(1, 0), flags=2)).read_only


def test_a_stream_is_named_only_to_a_gpu() -> None:
    gpu, host = Producer(kind=(2, 3), version=(1, 0)), Producer(version=(1, 0))
    assert borrow(gpu, stream=77).ordinal == 3
    borrow(host, stream=77)
    assert gpu.words == {"stream": 77, "max_version": (1, 0)}
    assert host.words == {"max_version": (1, 0)}
    old = Producer(kind=(2, 0))
    borrow(old, stream=5)
    assert old.words == {"stream": 5}


def test_what_speaks_no_dlpack_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match="a list is no array"):
        borrow([1, 2])


def test_the_words_of_an_owner_who_refuses_are_told() -> None:
    class Owner:
        def __dlpack_device__(self) -> Any:
            return (1, 0)

        def __dlpack__(self, **words: Any) -> None:
            raise BufferError("it requires gradients")

    with pytest.raises(Invalid, match="Owner does not hand its memory over: it requires gradients"):
        borrow(Owner())


def test_numpy_is_read_where_it_lies() -> None:
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::2, 1:]
    borrowed = borrow(array)
    assert (borrowed.address, borrowed.shape) == (array.ctypes.data, array.shape)
    assert [step * 4 for step in borrowed.strides] == list(array.strides)
