"""Submissions, builds, logs and events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from farm.protocol import codec
from farm.protocol.errors import (
    Conflict,
)
from farm.protocol.states import ENDED_STATES, State
from farm.protocol.submit import SubmitAsk

from .serving import Exchange, found, route


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
    return found(at.double.submissions, at.args[0])


@route("GET", "/submissions/([^/]+)/ask")
def _ask(at: Exchange) -> Any:
    return found(at.double.asks, at.args[0])


@route("POST", "/submissions/([^/]+)/cancel")
def _cancel(at: Exchange) -> Any:
    view, target = found(at.double.submissions, at.args[0]), at.json()["target"]
    for request in view.builds:
        if target in (None, request.target) and request.state not in ENDED_STATES:
            at.double.move(view.id, request.target, State.CANCELLED, "cancelled by me")
    return at.double.submissions[view.id]


@route("POST", "/submissions/([^/]+)/retry")
def _retry(at: Exchange) -> Any:
    view, wanted = found(at.double.submissions, at.args[0]), at.json()
    targets = [item.target for item in view.builds if item.exit_code or not wanted["failed"]]
    if not targets:
        raise Conflict("nothing of it failed")
    ask = replace(at.double.asks[view.id], targets=tuple(targets), force=wanted["force"], idempotency=None)
    return at.double.submit(replace(ask, tags={"retry-of": view.id}))


@route("GET", "/builds/([^/]+)")
def _build(at: Exchange) -> Any:
    return found(at.double.builds, at.args[0])


@route("GET", "/builds/([^/]+)/log")
def _log(at: Exchange) -> None:
    content = found(at.double.logs, at.args[0])[int(at.query.get("offset", "0")) :]
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
