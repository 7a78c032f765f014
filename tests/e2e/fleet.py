"""A coordinator and workers as real processes, with timing that a test can wait for."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from farm import FarmClient
from farm.client.asks import SubmitOptions
from farm.protocol.errors import FarmError
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.states import ENDED_STATES, AttemptEnd, Scope, State
from farm.protocol.views import AttemptView, BuildView, EngineView, SubmissionView
from tests.farm.cli.processes import Result, completed
from tests.support import models
from tests.support.services import free_port
from tests.support.waiting import until

from .process import Process

LEASE_S = 2.0
_UP_S = 60.0
_BUILD_S = 90.0

# A shared machine is noisy, and a long measurement proves nothing here.
QUICK = BenchmarkPolicy(warmup_ms=10, iterations=5, duration_s=0.05, max_cv_percent=100000.0, attempts=1)


class Fleet:
    """One coordinator and its workers, below one folder."""

    def __init__(self, folder: Path, database_url: str = "", broker_url: str = "", data: Path | None = None) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environ = {"FARM_LEASE_TTL_S": f"{LEASE_S:g}", "FARM_HEARTBEAT_S": "0.5", "FARM_POLL_S": "5"}
        for name, value in (("FARM_DATABASE_URL", database_url), ("FARM_BROKER_URL", broker_url)):
            if value:
                environ[name] = value
        arguments = ["coordinator", "start", "--data", str(self.data), "--port", str(self.port)]
        self.coordinator = Process("coordinator", folder, arguments, environ)
        self.workers: dict[str, Process] = {}
        self._client: FarmClient | None = None
        self._token = ""

    def up(self) -> None:
        """Start the coordinator, and wait until it answers."""
        self.coordinator.start()
        file = self.data / "admin.token"
        until(lambda: file.exists() or not self.coordinator.running, _UP_S, "the coordinator did not start")
        assert self.coordinator.running, self.coordinator.said()
        self._token = file.read_text().strip()
        until(self._answers, _UP_S, "the coordinator does not answer")

    @property
    def client(self) -> FarmClient:
        """An administrator's."""
        if self._client is None:
            self._client = FarmClient(self.url, self._token)
        return self._client

    @property
    def token(self) -> str:
        """Of an administrator."""
        return self._token

    def farm(self, *arguments: object, token: str = "", within_s: float = 120) -> Result:
        """The `farm` command as a user runs it."""
        environ = {"FARM_URL": self.url, "FARM_TOKEN": token or self._token, "HOME": str(self.folder)}
        told = completed(*arguments, env=environ, within_s=within_s)
        assert "Traceback" not in told.err, told.err
        return told

    def json(self, *arguments: object, code: int = 0) -> Any:
        """What the command prints with `--json`."""
        told = self.farm(*arguments, "--json")
        assert told.code == code, f"{told.err}\n{told.out[-3000:]}"
        return json.loads(told.out)

    def worker(self, name: str, *flags: str, python: str = sys.executable, **environ: str) -> Process:
        """Start a worker of a device, and wait until it has enrolled."""
        made = self.make_worker(name, *flags, python=python, **environ)
        made.start()
        self.await_worker(made)
        return made

    def make_worker(self, name: str, *flags: str, python: str = sys.executable, **environ: str) -> Process:
        """A worker with a token of its own, not yet started."""
        token = self.client.tokens.create(f"{name}-{uuid.uuid4().hex[:6]}", Scope.WORKER).secret
        arguments = ["worker", "start", "--data", str(self.folder / name), "--name", name, "--grace-s", "20", *flags]
        environ = {"FARM_URL": self.url, "FARM_TOKEN": token, **environ}
        made = self.workers[name] = Process(name, self.folder, arguments, environ, python)
        return made

    def await_worker(self, worker: Process) -> None:
        """Return when it serves, again if it was started again."""
        until(lambda: worker.serves or not worker.running, _UP_S, f"{worker.name} did not enrol")
        assert worker.running, worker.said()

    def retire(self, worker: Process) -> None:
        """End a worker and take its device out, so that the next test is alone."""
        worker.end()
        if worker.name in [item.name for item in self.client.devices.list()]:
            self.client.devices.retire(worker.name)

    def submit(self, model: Path, *targets: str, **options: Any) -> SubmissionView:
        """Submit without waiting; measured as quickly as can be unless told otherwise."""
        chosen = SubmitOptions(**{"benchmark": QUICK, **options})
        return self.client.submit(str(model), list(targets or ("cpu",)), chosen)

    def ended(self, submission: SubmissionView, within_s: float = _BUILD_S) -> SubmissionView:
        """The submission once all its targets have ended."""

        def has_ended() -> bool:
            return all(item.state in ENDED_STATES for item in self.client.status(submission.id).builds)

        until(has_ended, within_s, f"{submission.id} did not end: {self.story(submission)}")
        return self.client.status(submission.id)

    def build(self, submission: SubmissionView) -> BuildView:
        """The build of the first target."""
        (first, *_) = self.client.status(submission.id).builds
        assert first.build is not None, first
        return self.client.build(first.build)

    def preparation_attempts(self, submission: SubmissionView) -> tuple[AttemptView, ...]:
        """Those of the preparation of the first target."""
        (first, *_) = self.client.status(submission.id).builds
        return self.client.preparation(first.preparation).attempts

    def attempts(self, submission: SubmissionView) -> tuple[AttemptView, ...]:
        """Of preparation and build, in their order."""
        return (*self.preparation_attempts(submission), *self.build(submission).attempts)

    def in_stage(
        self, submission: SubmissionView, state: State, look: Callable[[], Sequence[AttemptView]] | None = None
    ) -> AttemptView:
        """The attempt that is in this stage now, once one is; `look` tells among which."""
        found: list[AttemptView] = []
        among = look or (lambda: self.attempts(submission))

        def is_there() -> bool:
            found[:] = [item for item in among() if item.end is None and stage_of(item) is state]
            return bool(found)

        until(is_there, _BUILD_S, f"nothing came to {state}: {self.story(submission)}")
        return found[0]

    def engines(self, submission: SubmissionView) -> tuple[EngineView, ...]:
        """Every engine of the model, whatever its verdict."""
        return tuple(item for item in self.client.engines.list() if item.model == submission.model)

    def story(self, submission: SubmissionView) -> str:
        """What happened, for a message."""
        try:
            requests = [
                f"{item.target}: {item.state} {item.reason}" for item in self.client.status(submission.id).builds
            ]
            tried = [f"{item.device}: {stage_of(item)} {item.end} {item.failure}" for item in self.attempts(submission)]
            return "\n".join([*requests, *tried])
        except FarmError as error:
            return str(error)

    def down(self) -> None:
        """End everything."""
        for process in (*self.workers.values(), self.coordinator):
            if process.running:
                process.end()
        if self._client is not None:
            self._client.close()

    def _answers(self) -> bool:
        try:
            self.client.whoami()
        except FarmError:
            return False
        return True


@contextmanager
def fleet(folder: Path, database_url: str = "", broker_url: str = "") -> Iterator[Fleet]:
    """A fleet until the end of the block."""
    made = Fleet(folder, database_url, broker_url)
    try:
        made.up()
        yield made
    finally:
        made.down()


def stage_of(attempt: AttemptView) -> State:
    """The stage that an attempt is in, or ended in."""
    return attempt.stages[-1].state if attempt.stages else State.LEASED


def ends(attempts: tuple[AttemptView, ...]) -> list[AttemptEnd | None]:
    """How they ended."""
    return [item.end for item in attempts]


def net(folder: Path, seed: int = 0) -> Path:
    """A small model on disk, another one for each seed."""
    import onnx

    path = folder / f"net{seed}.onnx"
    onnx.save(models.conv_net(seed=seed, channels=4, blocks=1), str(path))
    return path
