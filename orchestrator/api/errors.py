"""Errors as HTTP answers: one table from the error tree to statuses, and one body."""

from __future__ import annotations

from starlette.responses import JSONResponse

from farm.protocol import errors

# The row of the nearest class in the tree counts.
STATUS: dict[type[errors.FarmError], int] = {
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NoEngine: 404,
    errors.TimedOut: 408,
    errors.Conflict: 409,
    errors.TargetUnavailable: 409,
    errors.BlobCorrupt: 422,
    errors.Invalid: 422,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
    errors.FarmError: 500,
}
_READING = {"GET", "HEAD"}


def status_of(error: errors.FarmError, method: str) -> int:
    """The status for an error in the answer to a request of that method."""
    if isinstance(error, errors.BlobCorrupt) and method in _READING:
        return 410  # what was read is gone; what is written can be written again
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def error_response(error: errors.FarmError, method: str) -> JSONResponse:
    """The answer to a request of that method that failed."""
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, errors.Unauthorized) else None
    return JSONResponse(error.to_json(), status_of(error, method), headers)
