"""Every error that crosses the wire or ends a command.

FarmError
├── Invalid                 the request cannot be right            exit 2
│   ├── ProtocolError       a message broke the contract
│   └── Unsupported         an option that a backend cannot honour
├── NotFound                no such thing                          exit 2
├── Conflict                it is in the wrong state for this      exit 2
│   └── LeaseLost           the fencing token is not the newest
├── BuildFailed                                                    exit 1
├── NumericsFailed                                                 exit 3
├── NoEngine                nothing fits this device               exit 4
├── TooNoisy                                                       exit 5
├── TargetUnavailable       unknown, or nobody serves it           exit 6
├── Cancelled                                                      exit 7
├── TimedOut                                                       exit 8
└── CoordinatorError        cannot be reached, or refuses          exit 9
    ├── Unauthorized        no valid token
    ├── Forbidden           a valid token without the right
    ├── StorageFull
    ├── BlobCorrupt         bytes that do not have their digest
    └── Unavailable         a part the coordinator needs is down
"""

from __future__ import annotations

from typing import Any, ClassVar, Dict, Type

from .exits import Exit


class FarmError(Exception):
    """One sentence that says what is wrong, and a hint that says what to do next.

    Args:
        message: A sentence without a final full stop.
        hint: The next step, as an imperative; empty where there is none.
        details: JSON values a program may want (ids, digests, candidates).
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[Exit] = Exit.COORDINATOR

    def __init__(self, message: str, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        end = "" if self.message.endswith("?") else "."
        return f"{self.message}{end} {self.hint}" if self.hint else self.message

    def to_json(self) -> Dict[str, Any]:
        """The body of an HTTP error answer."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}}


class Invalid(FarmError):
    """Raised when a request cannot be right, whatever the state of the farm."""

    code = "invalid"
    exit_code = Exit.USAGE


class ProtocolError(Invalid):
    """Raised when a message breaks the contract; the message names the path of the field."""

    code = "protocol"


class Unsupported(Invalid):
    """Raised when a backend version cannot honour an option; the message names both."""

    code = "unsupported"


class NotFound(FarmError):
    """Raised when nothing has the given id, name or digest."""

    code = "not_found"
    exit_code = Exit.USAGE


class Conflict(FarmError):
    """Raised when the thing exists but its state forbids the request."""

    code = "conflict"
    exit_code = Exit.USAGE


class LeaseLost(Conflict):
    """Raised when a worker speaks for work that the coordinator has given to somebody else, or taken back."""

    code = "lease_lost"


class BuildFailed(FarmError):
    """Raised by a waiting client when a build ended as failed."""

    code = "build_failed"
    exit_code = Exit.BUILD_FAILED


class NumericsFailed(FarmError):
    """Raised when outputs are outside their tolerance of the reference."""

    code = "numerics_failed"
    exit_code = Exit.NUMERICS_FAILED


class NoEngine(FarmError):
    """Raised when no stored engine fits a device; `details["considered"]` holds each with its refusals."""

    code = "no_engine"
    exit_code = Exit.NO_ENGINE


class TooNoisy(FarmError):
    """Raised when a measurement spread too far to be published."""

    code = "too_noisy"
    exit_code = Exit.TOO_NOISY


class TargetUnavailable(FarmError):
    """Raised when a target word is unknown, ambiguous, or served by no device."""

    code = "target_unavailable"
    exit_code = Exit.TARGET_UNAVAILABLE


class Cancelled(FarmError):
    """Raised by a waiting client when what it waits for was cancelled."""

    code = "cancelled"
    exit_code = Exit.CANCELLED


class TimedOut(FarmError):
    """Raised when a client's own waiting time is over; the work goes on."""

    code = "timed_out"
    exit_code = Exit.TIMED_OUT


class CoordinatorError(FarmError):
    """Raised when the coordinator cannot be reached or cannot do its part."""

    code = "coordinator"


class Unauthorized(CoordinatorError):
    """Raised when no token, an unknown, an expired or a revoked one was sent."""

    code = "unauthorized"


class Forbidden(CoordinatorError):
    """Raised when a valid token lacks the scope, the device or the lease that the call needs."""

    code = "forbidden"


class StorageFull(CoordinatorError):
    """Raised when a disk has no room; nothing partial is visible."""

    code = "storage_full"


class BlobCorrupt(CoordinatorError):
    """Raised when bytes do not have the digest they are stored or sent under."""

    code = "blob_corrupt"


class Unavailable(CoordinatorError):
    """Raised when the database or another part of the coordinator is down; try again."""

    code = "unavailable"


def _tree(root: Type[FarmError]) -> Dict[str, Type[FarmError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


BY_CODE: Dict[str, Type[FarmError]] = _tree(FarmError)


def error_from_json(body: Any) -> FarmError:
    """The error that an HTTP answer carries; a `CoordinatorError` where the body is not one of ours."""
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("message"), str):
        return CoordinatorError(
            "what answered does not speak as a coordinator does", "Check the URL, and what stands before it."
        )
    kind = BY_CODE.get(str(told.get("code")), CoordinatorError)
    details = told.get("details")
    error = kind(told["message"], str(told.get("hint") or ""))
    error.details = details if isinstance(details, dict) else {}
    return error
