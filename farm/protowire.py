"""The protobuf wire format, read field by field without a schema compiler and without copying.

Enough of it to find one's way through a file of many gigabytes: a length-delimited field is a span that the caller
may look into or skip.
"""

from __future__ import annotations

from mmap import mmap
from typing import Iterator, NamedTuple, Tuple, Union

from .protocol.errors import Invalid

VARINT = 0
FIXED64 = 1
SPAN = 2
FIXED32 = 5

_FIXED_SIZES = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10

Bytes = Union[bytes, mmap]


class Malformed(Invalid):
    """Raised when bytes are not fields of a protobuf message."""


class Truncated(Malformed):
    """Raised when a field says that it goes on after the end of what holds it."""


class Field(NamedTuple):
    """One field; for a span `start` and `end` bound its content, for a varint `number` is its value."""

    tag: int
    wire: int
    start: int
    end: int
    number: int = 0


def fields(data: Bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of the message between two offsets, in file order.

    Raises: Malformed, Truncated
    """
    position = start
    while position < end:
        key, position = _varint(data, position, end)
        tag, wire = key >> 3, key & 7
        if tag == 0:
            raise Malformed(f"byte {position} holds no field of a protobuf message")
        number = 0
        if wire == VARINT:
            begin = position
            number, position = _varint(data, position, end)
            yield Field(tag, wire, begin, position, number)
            continue
        if wire == SPAN:
            size, position = _varint(data, position, end)
        elif wire in _FIXED_SIZES:
            size = _FIXED_SIZES[wire]
        else:
            raise Malformed(f"byte {position} holds a field of the unknown wire type {wire}")
        if size > end - position:
            raise Truncated(f"a field of {size} bytes starts at byte {position}, but only {end - position} are left")
        yield Field(tag, wire, position, position + size)
        position += size


def text(data: Bytes, field: Field) -> str:
    """The string that a span holds.

    Raises: Malformed: it is not a span, or not UTF-8.
    """
    if field.wire != SPAN:
        raise Malformed(f"byte {field.start} should hold text")
    try:
        return bytes(data[field.start : field.end]).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"the text at byte {field.start} is not UTF-8") from None


def integers(data: Bytes, field: Field) -> Iterator[int]:
    """The signed 64-bit integers of a repeated field, packed or not.

    Raises: Malformed
    """
    if field.wire == VARINT:
        yield signed(field.number)
    elif field.wire == SPAN:
        position = field.start
        while position < field.end:
            value, position = _varint(data, position, field.end)
            yield signed(value)
    else:
        raise Malformed(f"byte {field.start} should hold integers")


def signed(number: int) -> int:
    """The int64 that an unsigned varint stands for."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def _varint(data: Bytes, position: int, end: int) -> Tuple[int, int]:
    value = shift = 0
    for _ in range(_LONGEST_VARINT):
        if position >= end:
            raise Truncated(f"a number goes on after byte {end}")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise Malformed(f"the number before byte {position} is too long")
