"""The layout is that of a cache of TensorRT 8.5.3.1, with other times in it."""

from __future__ import annotations

import pytest

from worker.device.builders.tensorrt.myelin import without_empty_myelin

PART = b"file_format_version=1\n0.0.0.0_0.0.0.0_0.0.0.0_d2a7b8d5ba\n"
TIMES = bytes(range(256)) * 3


def size(count: int) -> bytes:
    return count.to_bytes(8, "little")


def cache(part: bytes, times: bytes = TIMES) -> bytes:
    records = times + b"\x08\x80\x01\x00" + size(len(part)) + b"\x01\x80\x03\x80\x01\x00" + size(len(part)) + part
    return b"ptrt\x00\x00\x00\x00\xe8\x00\x00\x00\x00\x00\x00\x00" + size(len(records)) + records


def test_the_part_goes_and_the_times_stay() -> None:
    assert without_empty_myelin(cache(PART)) == cache(b"")


def test_what_has_none_stays_as_it_is() -> None:
    assert without_empty_myelin(cache(b"")) == cache(b"")


@pytest.mark.parametrize(
    "data",
    [
        cache(PART + b"an entry\n"),
        b"",
        b"file_format_version=",
        PART,
        cache(PART) + b"more",
        cache(PART)[:-1],
        b"ptrtd" + cache(PART)[30:],
    ],
    ids=["entries", "nothing", "short", "only the part", "longer", "cut", "another layout"],
)
def test_what_is_laid_out_otherwise_stays_as_it_is(data: bytes) -> None:
    assert without_empty_myelin(data) == data
