"""Rights to blobs, as the routes of blobs ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request

from orchestrator.services import rights
from orchestrator.services.caller import Caller
from orchestrator.services.context import Context

from .blobs_door import BlobAction

P = ParamSpec("P")
R = TypeVar("R")


class BlobRights:
    """Binds the services of an application to the routes of blobs."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def authorize(self, request: Request, action: BlobAction, sha256: str | None) -> str:
        """In whose name the request is made. Raises: Forbidden, LeaseLost."""
        context: Context = self._app.state.context
        caller: Caller = request.state.caller
        if action is BlobAction.READ:
            return await self._wait(rights.may_read, context, caller, sha256)
        return await self._wait(rights.may_write, context, caller, request.headers.get(rights.LEASE_HEADER))

    async def after_stored(self, sha256: str, size_bytes: int) -> None:
        """Note a stored blob."""
        await self._wait(rights.note_stored, self._app.state.context, sha256, size_bytes)

    async def _wait(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._app.state.threads, lambda: work(*args, **kwargs))
