"""HTTP as the verbs see it: protocol values in and out, every failure a `FarmError`. httpx lives here alone."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping, Optional, Tuple, Type, TypeVar, Union
from urllib.parse import quote

from farm import __version__
from farm.protocol import codec
from farm.protocol.errors import CoordinatorError, FarmError, Invalid, ProtocolError, error_from_json
from farm.protocol.states import Word
from farm.protocol.version import VERSION_HEADER, version_hint

if TYPE_CHECKING:
    from typing import Iterable

    import httpx

T = TypeVar("T")

_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_PAUSES_S = (0.1, 0.2, 0.4, 0.8)
_CONNECT_S = 5.0
SAME_VERSION = "Install the same version of farm on both sides."
_OTHER = "Check the URL, and what stands before it."
_START = "Start it, or check FARM_URL."
_AUTHORITY = "Name the certificate of its authority: SSL_CERT_FILE=ca.pem."
_WRITE_URL = "Write http://host:port or https://host."

Content = Union[bytes, "Iterable[bytes]"]


class Break(Word):
    """How a call broke off: nothing was sent, nobody answered at that address, no word came for long, or else."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    CUT = "cut"


class Broken(CoordinatorError):
    """Raised when the coordinator could not be reached or the connection broke: the same call may succeed later."""

    def __init__(self, message: str, hint: str, how: Break) -> None:
        super().__init__(message, hint)
        self.how = how


class Transport:
    """Calls of one coordinator with one token. Not shared between threads that close it.

    Args:
        url: Without `/api/v1`.
        timeout_s: For each wait on the network, not for a whole transfer.
        sleep: Between two tries of one call.
        headers: Sent with every call.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
        headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self.sleep = sleep
        self._headers = {**(headers or {}), "Authorization": f"Bearer {token}"}
        self._client: Optional[httpx.Client] = None

    def value(self, kind: Type[T], method: str, path: str, body: Any = None, **options: Any) -> T:
        """The value that the coordinator answers; `options` are those of `request`."""
        response = self.request(method, path, body, **options)
        return self.decoded(response, lambda: codec.loads(kind, response.content))

    def values(self, kind: Type[T], field: str, path: str, params: Optional[Mapping[str, Any]] = None) -> Tuple[T, ...]:
        """The list that the coordinator answers under one field."""
        response = self.request("GET", path, params=params)
        items = self._object(response).get(field) or ()
        return self.decoded(response, lambda: tuple(codec.from_json(kind, item, f"{field}[]") for item in items))

    def plain(self, method: str, path: str, body: Any = None, **options: Any) -> Dict[str, Any]:
        """The JSON object that the coordinator answers; empty where it answers nothing."""
        return self._object(self.request(method, path, body, **options))

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Optional[Mapping[str, Any]] = None,
        content: Optional[Content] = None,
        headers: Optional[Mapping[str, str]] = None,
        repeatable: Optional[bool] = None,
        silence_s: Optional[float] = None,
    ) -> httpx.Response:
        """A successful answer, read to its end. `body` is a protocol value or plain JSON; `silence_s` as for `stream`.

        Tried again where that is harmless: nothing was sent, or the call is `repeatable`, by default as its method
        promises.

        Raises: FarmError: what the coordinator said, or `Broken`.
        """
        if body is not None:
            content = codec.dumps(body).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        may_repeat = method in _REPEATABLE if repeatable is None else repeatable
        pauses = list(_PAUSES_S)
        while True:
            try:
                with self.stream(
                    method, path, params=params, content=content, headers=headers, silence_s=silence_s
                ) as response:
                    response.read()
                    return response
            except Broken as error:
                again = error.how is Break.REFUSED or (error.how is Break.CUT and may_repeat)
                if not pauses or not again:
                    raise
                self.sleep(pauses.pop(0))

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        params: Optional[Mapping[str, Any]] = None,
        content: Optional[Content] = None,
        headers: Optional[Mapping[str, str]] = None,
        silence_s: Optional[float] = None,
    ) -> Iterator[httpx.Response]:
        """A successful answer whose body is still to be read; a break while it is read raises `Broken` too.

        The coordinator may say nothing for `silence_s`, by default the time-out of the transport.
        """
        httpx = load_httpx()
        told = {key: value for key, value in (params or {}).items() if value is not None}
        timeout = httpx.Timeout(self.timeout_s, connect=_CONNECT_S, read=silence_s or self.timeout_s)
        try:
            client = self._opened()
            request = client.build_request(
                method, path, params=told, content=content, headers=dict(headers or {}), timeout=timeout
            )
            response = client.send(request, stream=True)
            try:
                # A redirect is one as well: the token is for this address alone.
                if response.status_code >= 300:
                    response.read()
                    raise self._error(response)
                yield response
            finally:
                response.close()
        except httpx.TransportError as error:
            raise self._broken(error) from error
        except httpx.InvalidURL as error:
            raise Invalid(f"{self.url} is not the URL of a coordinator: {error}", _WRITE_URL) from error

    def decoded(self, response: httpx.Response, decode: Callable[[], T]) -> T:
        """What `decode` makes of an answer.

        Raises: CoordinatorError: this version does not understand it.
        """
        try:
            return decode()
        except (ProtocolError, ValueError, TypeError) as error:
            raise CoordinatorError(
                f"the coordinator at {self.url} gave an answer that this version does not understand: {error}",
                version_hint(__version__, response.headers.get(VERSION_HEADER, "")) or SAME_VERSION,
            ) from error

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _object(self, response: httpx.Response) -> Dict[str, Any]:
        told = self.decoded(response, response.json) if response.content else {}
        if not isinstance(told, dict):
            raise CoordinatorError(f"the coordinator at {self.url} did not answer with an object", _OTHER)
        return told

    def _opened(self) -> httpx.Client:
        if self._client is None:
            # Loading the certificates of all authorities costs 0.1 s, which a plain connection does not need.
            self._client = load_httpx().Client(
                base_url=self.url + "/api/v1",
                headers={**self._headers, VERSION_HEADER: __version__, "User-Agent": f"farm/{__version__}"},
                verify=self.url.startswith("https:"),
            )
        return self._client

    def _broken(self, error: Exception) -> Broken:
        httpx = load_httpx()
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            how = Break.UNREACHABLE if isinstance(error, httpx.ConnectTimeout) else Break.REFUSED
            reason = f"no answer within {_CONNECT_S:g} s" if how is Break.UNREACHABLE else str(error)
            message = f"cannot reach the coordinator at {self.url}: {reason}"
            return Broken(message, _AUTHORITY if "CERTIFICATE_VERIFY_FAILED" in reason else _START, how)
        if isinstance(error, httpx.TimeoutException):
            return Broken(f"the coordinator at {self.url} said nothing for too long", "Try again.", Break.SILENT)
        return Broken(f"the connection to {self.url} broke: {error or type(error).__name__}", "Try again.", Break.CUT)

    def _error(self, response: httpx.Response) -> FarmError:
        try:
            body = response.json()
        except ValueError:
            body = None
        error = error_from_json(body)
        if not (isinstance(body, dict) and "error" in body):
            error.message = f"{self.url} answered {response.status_code}, and not as a coordinator does"
            error.hint = "Check FARM_URL."
        error.details.setdefault("status", response.status_code)
        return error


def segment(text: str) -> str:
    """The text as one segment of a path.

    Raises: Invalid: it cannot be one.
    """
    if text in ("", ".", ".."):
        raise Invalid(f"{text!r} is not a name or an id", "farm list shows ids.")
    return quote(text, safe="")


def load_httpx() -> Any:
    """The httpx module, without the command line it brings along: that one costs 0.1 s of imports."""
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]  # None makes its import fail, which httpx expects
        try:
            import httpx  # noqa: F401
        finally:
            del sys.modules["httpx._main"]
    return sys.modules["httpx"]
