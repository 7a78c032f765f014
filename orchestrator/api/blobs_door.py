"""What all routes of blobs share: the store, who may do what, and the threads that wait for the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from farm.protocol.errors import FarmError, Forbidden
from orchestrator.services.blob_port import BlobStat, BlobStore

from .errors import error_response, note_refusal

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 16
# Each holds two buffers of 4 MiB at most, and that only while its client sends fast.
_TRANSFERS = 64


class BlobAction(Enum):
    """What a caller wants with a blob."""

    READ = "read"
    WRITE = "write"


Authorize = Callable[[Request, BlobAction, str | None], Awaitable[str]]
"""Returns in whose name the request is made, or raises Unauthorized or Forbidden. The digest is None where it is not
known: for an upload that does not exist."""

AfterStored = Callable[[str, int], Awaitable[None]]
"""Told of the digest and the size of each blob before the caller learns that it is stored; may be told twice."""


async def deny(request: Request, action: BlobAction, sha256: str | None) -> str:
    """What happens where nobody said who may do what."""
    raise Forbidden(f"nobody may {action.value} blobs here", "The coordinator was started without authorization.")


async def _tell_nobody(sha256: str, size_bytes: int) -> None:
    return


class BlobDoor:
    """The store as the routes see it."""

    def __init__(
        self, store: BlobStore, authorize: Authorize | None = None, after_stored: AfterStored | None = None
    ) -> None:
        self.store = store
        self.authorize = authorize or deny
        self.threads = ThreadPoolExecutor(_THREADS, "blob-disk")
        self.transfers = asyncio.Semaphore(_TRANSFERS)
        self._after_stored = after_stored or _tell_nobody

    async def wait(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of something that waits for the disk. Once begun it is done, also when the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self.threads, lambda: work(*args, **kwargs)))

    async def stored(self, stat: BlobStat) -> dict[str, Any]:
        """Tell the services of a blob; the body of the answer."""
        await self._after_stored(stat.sha256, stat.size_bytes)
        return {"sha256": stat.sha256, "size_bytes": stat.size_bytes}


def answered(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler, with the errors of the farm as answers."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except FarmError as error:
            note_refusal(request, error)
            return error_response(error, request.method)

    return answer
