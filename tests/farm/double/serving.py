"""The double behind a real socket: routes are functions that register themselves."""

from __future__ import annotations

import json
import re
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from farm.protocol import codec
from farm.protocol.errors import FarmError, NotFound, Unauthorized

from .state import TOKEN, Double

_STATUS = {
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "no_engine": 404,
    "conflict": 409,
    "target_unavailable": 409,
    "invalid": 422,
    "protocol": 422,
    "blob_corrupt": 422,
    "storage_full": 507,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may leave whenever it likes; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(double: Optional[Double] = None) -> Iterator[Double]:
    """The double at a port of its own."""
    double = double or Double()
    server = _Server(("127.0.0.1", 0), _handler(double))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Route = Callable[["Exchange"], Any]
_ROUTES: List[Tuple[str, re.Pattern[str], Route]] = []


def route(method: str, pattern: str) -> Callable[[Route], Route]:
    """Register what answers a method and a path below `/api/v1`."""

    def register(function: Route) -> Route:
        _ROUTES.append((method, re.compile(pattern + r"\Z"), function))
        return function

    return register


class Exchange:
    """One request being answered."""

    def __init__(self, double: Double, handler: BaseHTTPRequestHandler, args: Tuple[str, ...]) -> None:
        self.double = double
        self.handler = handler
        self.args = args
        self.query = {key: values[-1] for key, values in parse_qs(urlsplit(handler.path).query).items()}

    def body(self) -> bytes:
        """All of the request's body."""
        return self.handler.rfile.read(int(self.handler.headers.get("Content-Length") or 0))

    def value(self, kind: type) -> Any:
        """The request's body as a value of the protocol."""
        return codec.loads(kind, self.body())

    def json(self) -> Any:
        """The request's body as JSON."""
        return json.loads(self.body())

    def start(self, status: int, **headers: str) -> None:
        """Send the head of an answer."""
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def cut(self) -> None:
        """Break the connection in the middle."""
        self.handler.close_connection = True
        self.handler.wfile.flush()
        self.handler.connection.close()


def _handler(double: Double) -> type:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            """Requests are in `double.asked`."""

        def answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            double.asked.append(f"{self.command} {path[len('/api/v1') :]}")
            try:
                status, told = 200, self.told(path)
            except FarmError as error:
                status, told = _STATUS[error.code], error.to_json()
                # What is left of the request's body must not be taken for the next request.
                self.close_connection = True
            if told is not None:
                content = codec.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

        def told(self, path: str) -> Any:
            if path == "/readyz":
                return {"ready": True}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Unauthorized("this token is not valid", "Ask for another.")
            for method, pattern, function in _ROUTES:
                match = pattern.match(path[len("/api/v1") :])
                if match and method == self.command:
                    return function(Exchange(double, self, match.groups()))
            raise NotFound(f"there is no {path}")

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    return Handler


def found(items: Dict[str, Any], name: str) -> Any:
    if name not in items:
        raise NotFound(f"there is no {name}")
    return items[name]
