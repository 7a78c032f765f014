"""A blob, or a range of it, as an answer."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .wire import DIRECT, Direct

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)
_PIECE_BYTES = 1 << 20


class RangeNotSatisfiable(Exception):
    """Raised when no byte of a blob is in the range that was asked for."""


@dataclass(frozen=True)
class Span:
    """The bytes from `start` up to, not including, `end`."""

    start: int
    end: int


def etag_of(sha256: str) -> str:
    """The entity tag of a blob, which never changes."""
    return f'"sha256:{sha256}"'


def asked_span(headers: Mapping[str, str], etag: str, size_bytes: int) -> Span | None:
    """What `Range` and `If-Range` ask for, or None for everything.

    Several ranges, other units and nonsense are answered with everything, as HTTP allows.

    Raises: RangeNotSatisfiable
    """
    asked = _RANGE.fullmatch(headers.get("range", ""))
    if not asked or headers.get("if-range", etag) != etag:
        return None
    first, last = asked.groups()
    if first:
        span = Span(int(first), min(size_bytes, int(last) + 1) if last else size_bytes)
        if last and int(last) < int(first):
            return None
    elif last:
        span = Span(max(0, size_bytes - int(last)), size_bytes)
    else:
        return None
    if span.start >= size_bytes:
        raise RangeNotSatisfiable(headers["range"])
    return span


class BlobResponse(Response):
    """An answer whose body is a span of an open file, which it closes."""

    def __init__(self, file: BinaryIO, span: Span, status_code: int, headers: Mapping[str, str]) -> None:
        super().__init__(status_code=status_code, headers=headers, media_type="application/octet-stream")
        self.headers["Content-Length"] = str(span.end - span.start)
        self._file = file
        self._span = span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, by the short way where the server offers one."""
        direct: Direct | None = scope.get("extensions", {}).get(DIRECT)
        with self._file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD" and self._span.start < self._span.end:
                if direct is not None and direct.may_send:
                    await direct.send_file(self._file, self._span.start, self._span.end)
                else:
                    await self._copy(receive, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _copy(self, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnect(receive))
        start, file = self._span.start, self._file.fileno()
        try:
            while start < self._span.end and not gone.done():
                count = min(_PIECE_BYTES, self._span.end - start)
                piece = await run_in_threadpool(os.pread, file, count, start)
                if not piece:
                    raise OSError("a blob is shorter than when it was opened")
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                start += len(piece)
        finally:
            gone.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
