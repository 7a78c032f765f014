"""Errors as HTTP answers: one table from the error tree to statuses, and one body."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from farm import __version__
from farm.protocol import errors
from farm.protocol.states import AttemptEnd
from farm.protocol.version import VERSION_HEADER, version_hint

from .body import TooLarge

# The row of the nearest class in the tree counts.
STATUS: dict[type[errors.FarmError], int] = {
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NoEngine: 404,
    errors.Conflict: 409,
    errors.TargetUnavailable: 409,
    TooLarge: 413,
    errors.BlobCorrupt: 422,
    errors.Invalid: 422,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
    errors.FarmError: 500,
}
_READING = {"GET", "HEAD"}
_PATH_TRICKS = ("..", "//", "\\", "\x00")
# As a message quotes the name that it refuses.
_QUOTED_TRICKS = ("'..", "'/", "/..", "..\\", "\\x00")

ErrorPage = Callable[[Request, errors.FarmError], Response]

_BY_HOLDER = (AttemptEnd.PUBLISHED, AttemptEnd.FAILED, AttemptEnd.RELEASED, AttemptEnd.CANCELLED)

log = logging.getLogger("farm.api")


def status_of(error: errors.FarmError, method: str) -> int:
    """The status for an error in the answer to a request of that method."""
    if isinstance(error, errors.BlobCorrupt) and method in _READING:
        return 410  # what was read is gone; what is written can be written again
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def note_refusal(request: Request, error: errors.FarmError) -> None:
    """Write down that somebody tried what they may not: another's lease, a right they lack, a name that is a path."""
    if request.url.path.endswith("/beat") and error.details.get("end") in _BY_HOLDER:
        # The beat was held open while its own worker ended the lease: no attempt at anything.
        return
    status = status_of(error, request.method)
    odd_path = any(part in request.url.path for part in _PATH_TRICKS)
    odd_name = status in (404, 422) and (odd_path or any(part in error.message for part in _QUOTED_TRICKS))
    if status == 403 or isinstance(error, errors.LeaseLost) or odd_name:
        caller = getattr(request.state, "caller", None)
        name = caller.name if caller is not None else "somebody"
        log.warning("refused %s %r to %s: %s", request.method, request.url.path[:200], name, error.message)


def name_versions(request: Request, error: errors.FarmError) -> None:
    """Where the coordinator did not understand what a client of farm asked: say of which versions the two are."""
    hint = version_hint(request.headers.get(VERSION_HEADER, ""), __version__)
    if hint:
        error.hint = hint
        error.details["coordinator_version"] = __version__


def error_response(error: errors.FarmError, method: str) -> JSONResponse:
    """The answer to a request of that method that failed."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.Unauthorized) else None
    return JSONResponse(error.to_json(), status_of(error, method), headers)


def failed(request: Request, error: errors.FarmError) -> Response:
    """The answer to a request that failed: a page where a browser wants one and there are pages, else JSON."""
    as_page: ErrorPage | None = getattr(request.app.state, "error_page", None)
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    return as_page(request, error) if as_page and wants_page else error_response(error, request.method)
