from __future__ import annotations

import math
import zlib

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.samples import pack, unpack


def test_numbers_come_back_bit_for_bit() -> None:
    numbers = (0.1, -0.0, math.inf, 5e-324, 1.7976931348623157e308)
    assert unpack(pack(numbers)) == numbers
    assert unpack(pack(())) == ()
    assert math.isnan(unpack(pack((math.nan,)))[0])


def test_the_most_is_read_and_one_more_is_not() -> None:
    stored = pack([1.0] * 1000)
    assert len(unpack(stored, most=1000)) == 1000
    with pytest.raises(Invalid, match="more than 999"):
        unpack(stored, most=999)


@pytest.mark.parametrize(
    "stored", [b"", b"no zlib", pack((1.0, 2.0))[:-3], zlib.compress(b"1234567")], ids=["nothing", "else", "cut", "odd"]
)
def test_anything_else_is_refused(stored: bytes) -> None:
    with pytest.raises(Invalid, match="not packed samples"):
        unpack(stored)
