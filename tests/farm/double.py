"""A coordinator's half of docs/protocol.md on loopback, in memory: what a client can see of it, and faults on demand.

Standard library only, because the client's tests run on the oldest interpreter too. What a real coordinator decides
is decided here by the target word: `cpu` becomes done, `broken` failed, `wrong` quarantined, `offline` is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qs, unquote, urlsplit

from farm.protocol import codec
from farm.protocol.errors import (
    BlobCorrupt,
    Conflict,
    FarmError,
    Forbidden,
    NoEngine,
    NotFound,
    TargetUnavailable,
    Unauthorized,
)
from farm.protocol.requirement import fit
from farm.protocol.states import ENDED_STATES, Scope, State
from farm.protocol.submit import Candidate, FetchAnswer, FetchAsk, Plan, SubmitAsk
from farm.protocol.views import BuildView, EngineDetail, Event, RequestView, SubmissionView, Sweep, TokenView

from .samples import attempt, cpu_facts, device_view, engine_detail, failure, model_view, plan_row, target_view

TOKEN = "secret-of-the-double"
NOW = "2026-01-02T03:04:05Z"
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
_EXITS = {State.DONE: 0, State.CACHED: 0, State.FAILED: 1, State.QUARANTINED: 3, State.CANCELLED: 7}
_END_OF = {"broken": State.FAILED, "wrong": State.QUARANTINED, "cached": State.CACHED}


class Double:
    """The state of the coordinator, and its faults.

    Attributes:
        break_after: Cut the next uploads and downloads after so many bytes, each entry once.
        corrupt: Send downloads with one byte changed.
        ranges: Answer range requests as such.
        asked: Method and path of every request.
        auto: Submissions end by themselves.
    """

    def __init__(self) -> None:
        self.lock = threading.Condition()
        self.blobs: Dict[str, bytes] = {}
        self.uploads: Dict[str, Tuple[str, int, bytearray]] = {}
        self.submissions: Dict[str, SubmissionView] = {}
        self.asks: Dict[str, SubmitAsk] = {}
        self.builds: Dict[str, BuildView] = {}
        self.logs: Dict[str, bytes] = {}
        self.engines: Dict[str, EngineDetail] = {"eng-1": engine_detail()}
        self.devices = {view.name: view for view in (device_view("here"), device_view("there"))}
        self.targets = {"cpu": target_view("cpu"), "mine": replace(target_view("mine"), builtin=False)}
        self.tokens = {"tok-1": TokenView("tok-1", "me", Scope.ADMIN, NOW)}
        self.happened: List[Event] = []
        self.asked: List[str] = []
        self.break_after: List[int] = []
        self.corrupt = False
        self.ranges = True
        self.auto = True
        self.url = ""

    def store(self, content: bytes) -> str:
        """A blob of the coordinator's own."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.blobs[sha256] = content
        return sha256

    def move(self, submission: str, target: str, state: State, reason: str = "") -> None:
        """One target of a submission reaches a state, and everybody who listens hears of it."""
        with self.lock:
            view = self.submissions[submission]
            changed = []
            for request in view.builds:
                if request.target == target:
                    made = "eng-1" if state in (State.DONE, State.CACHED) else None
                    request = replace(request, state=state, reason=reason, engine=made, exit_code=_EXITS.get(state))
                    build = self.builds[request.build or ""]
                    self.builds[build.id] = replace(
                        build,
                        state=state,
                        attempts=(attempt(state),),
                        failure=failure() if state is State.FAILED else None,
                    )
                changed.append(request)
            states = [item.state for item in changed]
            active = [state for state in states if state not in ENDED_STATES]
            overall = active[0] if active else max(states, key=lambda item: _EXITS[item])
            self.submissions[submission] = replace(view, builds=tuple(changed), state=overall)
            event = Event(len(self.happened) + 1, NOW, "request", submission, None, None, {"state": str(state)})
            self.happened.append(event)
            self.lock.notify_all()

    def finish(self, submission: str) -> None:
        """Every target goes its way to its end."""
        for state in (State.LEASED, State.BUILDING, State.VERIFYING, State.BENCHMARKING, State.PUBLISHING):
            for request in self.submissions[submission].builds:
                self.move(submission, request.target, state)
        for request in self.submissions[submission].builds:
            end = _END_OF.get(request.target, State.DONE)
            self.move(submission, request.target, end, "" if end in (State.DONE, State.CACHED) else f"it is {end}")

    def submit(self, ask: SubmitAsk) -> SubmissionView:
        """What `POST /submissions` does."""
        for view in self.submissions.values():
            if ask.idempotency and self.asks[view.id].idempotency == ask.idempotency:
                return view
        wanted = [item.sha256 for item in ask.model.files]
        wanted += [item for item in (ask.reference.inputs, ask.reference.outputs, ask.options.calibration) if item]
        missing = [sha256 for sha256 in wanted if sha256 not in self.blobs]
        if missing:
            raise Conflict("blobs are missing", missing=missing)
        if "offline" in ask.targets:
            raise TargetUnavailable("no device serves offline", "Start a worker.")
        number = len(self.submissions) + 1
        builds = tuple(self._request(number, target, ask) for target in ask.targets)
        view = SubmissionView(f"s{number}", ask.name, ask.model.digest, State.QUEUED, NOW, "me", builds, ask.tags)
        self.submissions[view.id], self.asks[view.id] = view, ask
        if self.auto:
            threading.Thread(target=self.finish, args=(view.id,), daemon=True).start()
        return view

    def _request(self, number: int, target: str, ask: SubmitAsk) -> RequestView:
        label, key = f"{target} · onnxruntime 1", "k" * 64
        build = f"b{number}-{target}"
        self.builds[build] = BuildView(
            build, ask.name, ask.model.digest, label, key, ask.options.precision, State.QUEUED, NOW
        )
        self.logs[build] = f"building {target}\ndone ü\n".encode()
        return RequestView(f"r{number}-{target}", target, label, State.QUEUED, key, "p1", build)

    def plan(self, ask: SubmitAsk) -> Plan:
        """What `POST /plans` does."""
        return Plan(ask.name, ask.model.digest, tuple(plan_row(word) for word in ask.targets))

    def fetch(self, ask: FetchAsk) -> FetchAnswer:
        """What `POST /fetch` does, with the real rule for what fits."""
        considered = []
        for detail in self.engines.values():
            view, found = detail.engine, fit(detail.manifest.requirement, ask.facts)
            if view.model_name == ask.name:
                considered.append(Candidate(view.id, view.label, view.precision, view.key, found.tier, found.refusals))
        good = [item for item in considered if item.tier]
        if not good:
            listed = [codec.to_json(item) for item in considered]
            raise NoEngine(f"no engine of {ask.name} fits this device", "Submit it for this target.", considered=listed)
        chosen = good[0]
        assert chosen.tier is not None
        return FetchAnswer(chosen.engine, self.engines[chosen.engine].manifest, chosen.tier, tuple(considered))


@contextmanager
def served(double: Optional[Double] = None) -> Iterator[Double]:
    """The double at a port of its own."""
    double = double or Double()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(double))
    server.daemon_threads = True
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
                status, told = 200, self._told(path)
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

        def _told(self, path: str) -> Any:
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


def _found(items: Dict[str, Any], name: str) -> Any:
    if name not in items:
        raise NotFound(f"there is no {name}")
    return items[name]


@route("GET", "/whoami")
def _whoami(at: Exchange) -> Any:
    return at.double.tokens["tok-1"]


@route("POST", "/plans")
def _plans(at: Exchange) -> Any:
    return at.double.plan(at.value(SubmitAsk))


@route("POST", "/submissions")
def _submit(at: Exchange) -> Any:
    return at.double.submit(at.value(SubmitAsk))


@route("GET", "/submissions")
def _submissions(at: Exchange) -> Any:
    wanted = at.query.get("state")
    views = [view for view in at.double.submissions.values() if wanted in (None, str(view.state))]
    return {"submissions": tuple(reversed(views))}


@route("GET", "/submissions/([^/]+)")
def _submission(at: Exchange) -> Any:
    return _found(at.double.submissions, at.args[0])


@route("GET", "/submissions/([^/]+)/ask")
def _ask(at: Exchange) -> Any:
    return _found(at.double.asks, at.args[0])


@route("POST", "/submissions/([^/]+)/cancel")
def _cancel(at: Exchange) -> Any:
    view, target = _found(at.double.submissions, at.args[0]), at.json()["target"]
    for request in view.builds:
        if target in (None, request.target) and request.state not in ENDED_STATES:
            at.double.move(view.id, request.target, State.CANCELLED, "cancelled by me")
    return at.double.submissions[view.id]


@route("POST", "/submissions/([^/]+)/retry")
def _retry(at: Exchange) -> Any:
    view, wanted = _found(at.double.submissions, at.args[0]), at.json()
    targets = [item.target for item in view.builds if item.exit_code or not wanted["failed"]]
    if not targets:
        raise Conflict("nothing of it failed")
    ask = replace(at.double.asks[view.id], targets=tuple(targets), force=wanted["force"], idempotency=None)
    return at.double.submit(replace(ask, tags={"retry-of": view.id}))


@route("GET", "/builds/([^/]+)")
def _build(at: Exchange) -> Any:
    return _found(at.double.builds, at.args[0])


@route("GET", "/builds/([^/]+)/log")
def _log(at: Exchange) -> None:
    content = _found(at.double.logs, at.args[0])[int(at.query.get("offset", "0")) :]
    at.start(200, Content_Length=str(len(content)), Content_Type="text/plain")
    at.handler.wfile.write(content)


@route("GET", "/preparations/(p1)/log")
def _preparation_log(at: Exchange) -> None:
    content = b"fold: 12 nodes less\nsimplify: failed\n"[int(at.query.get("offset", "0")) :]
    at.start(200, Content_Length=str(len(content)), Content_Type="text/plain")
    at.handler.wfile.write(content)


@route("GET", "/events")
def _events(at: Exchange) -> None:
    double = at.double
    after = at.handler.headers.get("Last-Event-ID") or at.query.get("after")
    seen = int(after) if after else len(double.happened)
    at.start(200, Content_Type="text/event-stream", Connection="close")
    at.handler.close_connection = True
    limit = double.break_after.pop(0) if double.break_after else None
    with double.lock:
        while limit is None or limit > 0:
            for event in double.happened[seen:]:
                lines = f": hello\nid: {event.id}\nevent: {event.kind}\ndata: {codec.dumps(event)}\n\n"
                at.handler.wfile.write(lines.encode())
                seen = event.id
                limit = limit if limit is None else limit - 1
                if limit == 0:
                    return
            if not double.lock.wait(10):
                return


@route("GET", "/engines")
def _engines(at: Exchange) -> Any:
    wanted = at.query.get("model")
    return {"engines": [item.engine for item in at.double.engines.values() if wanted in (None, item.engine.model_name)]}


@route("GET", "/engines/([^/]+)")
def _engine(at: Exchange) -> Any:
    return _found(at.double.engines, at.args[0])


@route("DELETE", "/engines/([^/]+)")
def _remove_engine(at: Exchange) -> Any:
    detail = _found(at.double.engines, at.args[0])
    if detail.engine.pinned:
        raise Conflict(f"{detail.engine.id} is pinned", f"Run farm engines unpin {detail.engine.id}.")
    return at.double.engines.pop(at.args[0]).engine


@route("POST", "/engines/([^/]+)/(pin|unpin)")
def _pin(at: Exchange) -> Any:
    detail = _found(at.double.engines, at.args[0])
    view = replace(detail.engine, pinned=at.args[1] == "pin")
    at.double.engines[at.args[0]] = replace(detail, engine=view)
    return view


@route("GET", "/models")
def _models(at: Exchange) -> Any:
    return {"models": [model_view("net")]}


@route("GET", "/models/([^/]+)")
def _model(at: Exchange) -> Any:
    return _found({"net": model_view("net")}, at.args[0])


@route("GET", "/keys/([^/]+)")
def _key(at: Exchange) -> Any:
    detail = _found(at.double.engines, at.args[0])
    return {
        "digest": detail.manifest.key.digest,
        "key": detail.manifest.key,
        "source": f"engine {at.args[0]}",
        "requirement": detail.manifest.requirement,
    }


@route("GET", "/devices")
def _devices(at: Exchange) -> Any:
    return {"devices": tuple(at.double.devices.values())}


@route("POST", "/devices")
def _add_device(at: Exchange) -> Any:
    told = at.json()
    view = replace(device_view(told["name"]), facts=codec.from_json(type(cpu_facts()), told["facts"]))
    at.double.devices[view.name] = view
    return view


@route("GET", "/devices/([^/]+)")
def _device(at: Exchange) -> Any:
    return _found(at.double.devices, at.args[0])


@route("POST", "/devices/([^/]+)/(drain|undrain|retire)")
def _drain(at: Exchange) -> Any:
    return _found(at.double.devices, at.args[0])


@route("GET", "/targets")
def _targets(at: Exchange) -> Any:
    return {"targets": tuple(at.double.targets.values())}


@route("PUT", "/targets/([^/]+)")
def _add_target(at: Exchange) -> Any:
    told = at.json()
    view = replace(target_view(at.args[0]), filter=told["filter"], aliases=tuple(told["aliases"]), builtin=False)
    at.double.targets[at.args[0]] = view
    return view


@route("DELETE", "/targets/([^/]+)")
def _remove_target(at: Exchange) -> Any:
    if _found(at.double.targets, at.args[0]).builtin:
        raise Conflict("it is built in")
    del at.double.targets[at.args[0]]
    return {}


@route("POST", "/tokens")
def _create_token(at: Exchange) -> Any:
    told = at.json()
    if told["scope"] == "admin":
        raise Forbidden("this token may not make admins")
    view = TokenView("tok-2", told["name"], Scope(told["scope"]), NOW, device=told["device"])
    at.double.tokens[view.id] = view
    return {"token": view, "secret": "farm_new-secret"}


@route("GET", "/tokens")
def _tokens(at: Exchange) -> Any:
    return {"tokens": tuple(at.double.tokens.values())}


@route("DELETE", "/tokens/([^/]+)")
def _revoke(at: Exchange) -> Any:
    _found(at.double.tokens, at.args[0])
    return {}


@route("POST", "/gc")
def _gc(at: Exchange) -> Any:
    return Sweep(bool(at.json()["dry_run"]), 3, 4096, ("eng-0",), 1)


@route("POST", "/fetch")
def _fetch(at: Exchange) -> Any:
    return at.double.fetch(at.value(FetchAsk))


@route("HEAD", "/blobs/([0-9a-f]+)")
@route("GET", "/blobs/([0-9a-f]+)")
def _get_blob(at: Exchange) -> None:
    content = _found(at.double.blobs, at.args[0])
    if at.double.corrupt:
        content = bytes([content[0] ^ 1]) + content[1:]
    asked = re.match(r"bytes=(\d+)-", at.handler.headers.get("Range") or "")
    begin = int(asked.group(1)) if asked and at.double.ranges else 0
    if begin and begin >= len(content):
        at.start(416, Content_Length="0")
        return
    at.start(206 if begin else 200, Content_Length=str(len(content) - begin))
    if at.handler.command == "HEAD":
        return
    if at.double.break_after:
        at.handler.wfile.write(content[begin : begin + at.double.break_after.pop(0)])
        at.cut()
    else:
        at.handler.wfile.write(content[begin:])


@route("PUT", "/blobs/([0-9a-f]+)")
def _put_blob(at: Exchange) -> Any:
    content = at.body()
    if hashlib.sha256(content).hexdigest() != at.args[0]:
        raise BlobCorrupt("these bytes have another digest")
    at.double.blobs[at.args[0]] = content
    return {}


@route("POST", "/uploads")
def _begin_upload(at: Exchange) -> Any:
    told = at.json()
    if told["sha256"] in at.double.blobs:
        return {"present": True}
    for name, (sha256, _, data) in at.double.uploads.items():
        if sha256 == told["sha256"]:
            return {"id": name, "offset_bytes": len(data)}
    name = f"u{len(at.double.uploads) + 1}"
    at.double.uploads[name] = (told["sha256"], told["size_bytes"], bytearray())
    return {"id": name, "offset_bytes": 0}


@route("HEAD", "/uploads/([^/]+)")
def _reached(at: Exchange) -> None:
    at.start(200, Upload_Offset=str(len(_found(at.double.uploads, at.args[0])[2])), Content_Length="0")


@route("PATCH", "/uploads/([^/]+)")
def _go_on(at: Exchange) -> Any:
    _, _, data = _found(at.double.uploads, at.args[0])
    if int(at.handler.headers["Upload-Offset"]) != len(data):
        raise Conflict("the upload is elsewhere")
    left = int(at.handler.headers["Content-Length"])
    limit = at.double.break_after.pop(0) if at.double.break_after else left
    while left and limit:
        chunk = at.handler.rfile.read(min(left, limit, 1 << 16))
        data += chunk
        left, limit = left - len(chunk), limit - len(chunk)
    if left:
        at.cut()
        return None
    return {"offset_bytes": len(data)}


@route("POST", "/uploads/([^/]+)/finish")
def _finish_upload(at: Exchange) -> Any:
    sha256, _, data = _found(at.double.uploads, at.args[0])
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BlobCorrupt("these bytes have another digest")
    at.double.blobs[sha256] = bytes(data)
    return {}
