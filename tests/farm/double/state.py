"""What the double knows, and the faults it can make."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from typing import Dict, List, Tuple

from farm.protocol import codec
from farm.protocol.errors import (
    Conflict,
    NoEngine,
    TargetUnavailable,
)
from farm.protocol.model import ModelManifest
from farm.protocol.requirement import fit
from farm.protocol.states import ENDED_STATES, Scope, State
from farm.protocol.submit import Candidate, FetchAnswer, FetchAsk, Plan, SubmitAsk
from farm.protocol.views import BuildView, EngineDetail, Event, RequestView, SubmissionView, TokenView

from ..samples import attempt, device_view, engine_detail, failure, plan_row, target_view

TOKEN = "secret-of-the-double"
NOW = "2026-01-02T03:04:05Z"
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
        model = _model(ask)
        for view in self.submissions.values():
            if ask.idempotency and self.asks[view.id].idempotency == ask.idempotency:
                return view
        wanted = [item.sha256 for item in model.files]
        wanted += [item for item in (ask.reference.inputs, ask.reference.outputs, ask.options.calibration) if item]
        missing = [sha256 for sha256 in wanted if sha256 not in self.blobs]
        if missing:
            raise Conflict("blobs are missing", missing=missing)
        if "offline" in ask.targets:
            raise TargetUnavailable("no device serves offline", "Start a worker.")
        number = len(self.submissions) + 1
        builds = tuple(self._request(number, target, ask) for target in ask.targets)
        view = SubmissionView(f"s{number}", ask.name, model.digest, State.QUEUED, NOW, "me", builds, ask.tags)
        self.submissions[view.id], self.asks[view.id] = view, ask
        if self.auto:
            threading.Thread(target=self.finish, args=(view.id,), daemon=True).start()
        return view

    def _request(self, number: int, target: str, ask: SubmitAsk) -> RequestView:
        label, key = f"{target} · onnxruntime 1", "k" * 64
        build = f"b{number}-{target}"
        self.builds[build] = BuildView(
            build, ask.name, _model(ask).digest, label, key, ask.options.precision, State.QUEUED, NOW
        )
        self.logs[build] = f"building {target}\ndone ü\n".encode()
        return RequestView(f"r{number}-{target}", target, label, State.QUEUED, key, "p1", build)

    def plan(self, ask: SubmitAsk) -> Plan:
        """What `POST /plans` does."""
        return Plan(ask.name, _model(ask).digest, tuple(plan_row(word) for word in ask.targets))

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


def _model(ask: SubmitAsk) -> ModelManifest:
    """That of a submission; the double compiles no plugins alone."""
    assert ask.model is not None
    return ask.model
