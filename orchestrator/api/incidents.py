"""The outermost door: what nobody expected becomes an answer with a number, and a log line with the traceback."""

from __future__ import annotations

import logging
import secrets

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farm.protocol.errors import FarmError
from orchestrator.rules.disks import disk_error

from .errors import failed

log = logging.getLogger("farm.api")


class Incidents:
    """ASGI middleware. The client learns the number of the incident and nothing of its cause."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer for the application where it cannot."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            log.debug("%s %s: the client left", scope["method"], scope["path"])
        except Exception as error:
            told = error if isinstance(error, FarmError) else _told(error, scope)
            if started:
                raise
            await failed(Request(scope), told)(scope, receive, send)


def _told(error: Exception, scope: Scope) -> FarmError:
    """What the client learns of an error that nobody expected; the log learns the rest."""
    of_disk = disk_error(error) if isinstance(error, OSError) else None
    if of_disk is not None:
        log.error("%s %s: %s", scope["method"], scope["path"], error)
        return of_disk
    incident = secrets.token_hex(6)
    log.error("incident %s in %s %s", incident, scope["method"], scope["path"], exc_info=error)
    return FarmError(
        "the coordinator made a mistake",
        f"Look for incident {incident} in its log, and report it.",
        incident=incident,
    )
