"""The outermost door: what nobody expected becomes an answer with a number, and a log line with the traceback."""

from __future__ import annotations

import logging
import secrets

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farm.protocol.errors import FarmError

from .errors import error_response

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
        except FarmError as error:
            if started:
                raise
            await error_response(error, scope["method"])(scope, receive, send)
        except Exception:
            incident = secrets.token_hex(6)
            log.exception("incident %s in %s %s", incident, scope["method"], scope["path"])
            if started:
                raise
            await _answer(incident)(scope, receive, send)


def _answer(incident: str) -> JSONResponse:
    error = FarmError(
        "the coordinator made a mistake",
        f"Look for incident {incident} in its log, and report it.",
        incident=incident,
    )
    return JSONResponse(error.to_json(), 500)
