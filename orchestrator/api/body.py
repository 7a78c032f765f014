"""Request bodies: bounded, JSON, and made of nothing that a database could not hold."""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

from starlette.requests import ClientDisconnect, Request

from farm.protocol.codec import from_json
from farm.protocol.errors import Invalid, ProtocolError

T = TypeVar("T")

LIMIT_BYTES = 1 << 20
_LARGEST = 2**63 - 1
_DEEPEST = 64


class TooLarge(Invalid):
    """Raised when a body is longer than its route takes; status 413."""


async def read_body(request: Request, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The whole body.

    Raises: TooLarge. Invalid: it ended early.
    """
    pieces: list[bytes] = []
    left = limit_bytes
    try:
        async for piece in request.stream():
            left -= len(piece)
            if left < 0:
                raise TooLarge(f"the body is larger than {limit_bytes} bytes", "Send files as blobs.")
            pieces.append(piece)
    except ClientDisconnect as gone:
        raise Invalid("the body is not whole", "Send it again.") from gone
    return b"".join(pieces)


def decode(kind: type[T], raw: bytes) -> T:
    """The value that a body spells; an empty body is an empty object.

    Raises: ProtocolError
    """
    try:
        data = json.loads(raw or b"{}", parse_constant=_refuse)
        _check(data, kind.__name__, _DEEPEST)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{kind.__name__}: not JSON: {error}") from error
    return from_json(kind, data)


def check_text(text: str, path: str) -> str:
    """The text, if every database can hold it.

    Raises: ProtocolError
    """
    if "\x00" in text:
        raise ProtocolError(f"{path}: a text must not hold the character NUL")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProtocolError(f"{path}: half of a surrogate pair is no character") from error
    return text


def _check(data: Any, path: str, depth: int) -> None:
    if not depth:
        raise ProtocolError(f"{path}: nested too deeply")
    if isinstance(data, str):
        check_text(data, path)
    elif isinstance(data, int) and abs(data) > _LARGEST:
        raise ProtocolError(f"{path}: a number of more than 63 bits")
    elif isinstance(data, list):
        for index, item in enumerate(data):
            _check(item, f"{path}[{index}]", depth - 1)
    elif isinstance(data, dict):
        for key, item in data.items():
            check_text(key, path)
            _check(item, f"{path}.{key}", depth - 1)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")
