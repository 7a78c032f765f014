"""A whole farm on one machine: a coordinator and a worker as child processes, and the token each needs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from farm.client.transport import Broken, Transport
from farm.protocol.codec import from_json
from farm.protocol.errors import CoordinatorError, Unauthorized, Unavailable
from farm.protocol.states import Scope
from farm.protocol.views import NewToken, TokenView

from .api.server import listen
from .files import read_secret
from .settings import Settings
from .supervise import Child

_START_S = 60.0
_ENROL_S = 60.0
_STEP_S = 0.1
# A worker gives its work back when it is told to end; what it had built so far is built again.
_WORKER_END_S = 10.0
_COORDINATOR_END_S = 10.0
_WORKER_TOKEN = "this-machine"


class OneMachine:
    """Children from entering the block to leaving it. To be used by the main thread.

    Args:
        settings: Of the coordinator.
        environ: What the children inherit; their own addresses and tokens are added.
        worker: Run a worker too.
        tell: Given a sentence whenever something happens that a person should know.
        secrets: Files beside its data that builds must not read.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        worker: bool,
        tell: Callable[[str], None],
        secrets: Sequence[Path] = (),
    ) -> None:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self._environ = {key: value for key, value in environ.items() if key not in ("FARM_URL", "FARM_TOKEN")}
        self._with_worker = worker
        self._tell = tell
        self._secrets = secrets
        # Held here, so that the address outlives a coordinator that is started again.
        self._listening = listen(settings.host, settings.port)
        self.url = f"http://{_reachable(settings.host)}:{self._listening.getsockname()[1]}"
        self._children: list[Child] = []

    def __enter__(self) -> OneMachine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child, patience_s in zip(reversed(self._children), (_WORKER_END_S, _COORDINATOR_END_S), strict=False):
            child.end(patience_s if len(self._children) > 1 else _COORDINATOR_END_S)
        self._listening.close()

    def start(self, stopping: Callable[[], bool]) -> str:
        """Start everything and wait until it serves; the token of an administrator.

        Args:
            stopping: Asked again and again whether to give up.

        Raises: Unavailable: the coordinator does not start. Unauthorized: the token in its folder is no longer valid.
        """
        token_file = self.settings.admin_token_file
        arguments = ["--data", str(self.settings.data), "--listen-fd", str(self._listening.fileno())]
        if not token_file.exists():
            arguments.append("--new-admin-token")
        coordinator = self._child("coordinator", arguments, pass_fds=(self._listening.fileno(),))
        coordinator.start()
        self._await_coordinator(coordinator, stopping)
        admin = read_secret(token_file)
        if self._with_worker and not stopping():
            self._start_worker(admin, stopping)
        return admin

    def look(self) -> None:
        """Start again what has ended."""
        for child in self._children:
            child.look()

    def _child(self, name: str, arguments: list[str], pass_fds: tuple[int, ...] = (), **environ: str) -> Child:
        # -P keeps a folder named `worker` in the current directory from being taken for ours.
        command = [sys.executable, "-P", "-c", "from farm.cli.main import main; main()", name, "start", *arguments]
        child = Child(name, command, {**self._environ, **environ}, self._tell, pass_fds)
        self._children.append(child)
        return child

    def _await_coordinator(self, coordinator: Child, stopping: Callable[[], bool]) -> None:
        until = time.monotonic() + _START_S
        while not stopping():
            if coordinator.ended:
                raise Unavailable("the coordinator did not start", "Its own words are above.")
            if self.settings.admin_token_file.exists() and self._who(read_secret(self.settings.admin_token_file)):
                return
            if time.monotonic() > until:
                raise Unavailable(f"the coordinator does not answer within {_START_S:g} s", "Its own words are above.")
            time.sleep(_STEP_S)

    def _who(self, token: str) -> TokenView | None:
        """Whose token this is; None while nobody answers. Raises: Unauthorized."""
        transport = Transport(self.url, token, timeout_s=5.0)
        try:
            return transport.value(TokenView, "GET", "/whoami", repeatable=False)
        except Broken:
            return None
        except Unauthorized as error:
            raise Unauthorized(
                f"the token in {self.settings.admin_token_file} is not valid", "Remove the file and start again."
            ) from error
        finally:
            transport.close()

    def _start_worker(self, admin: str, stopping: Callable[[], bool]) -> None:
        token = self._worker_token(admin)
        arguments = ["--data", str(self.settings.data / "worker"), "--grace-s", "3"]
        hide = ":".join(filter(None, [self._environ.get("FARM_WORKER_HIDE"), *map(str, self._hidden())]))
        worker = self._child("worker", arguments, FARM_URL=self.url, FARM_TOKEN=token, FARM_WORKER_HIDE=hide)
        worker.start()
        until = time.monotonic() + _ENROL_S
        while not stopping():
            worker.look()
            told = self._who(token)
            if told is not None and told.device is not None:
                return
            if time.monotonic() > until:
                self._tell(f"the worker has not enrolled within {_ENROL_S:g} s; going on without it")
                return
            time.sleep(_STEP_S)

    def _hidden(self) -> tuple[Path, ...]:
        """What builds on this machine must not read: they belong to the same user."""
        return (self.settings.data, *self._secrets)

    def _worker_token(self, admin: str) -> str:
        """Another token for each start: it is in the worker's environment and in no file."""
        transport = Transport(self.url, admin)
        try:
            for old in transport.values(TokenView, "tokens", "/tokens"):
                if old.name == _WORKER_TOKEN and old.revoked_at is None:
                    transport.request("DELETE", f"/tokens/{old.id}")
            made = transport.plain("POST", "/tokens", {"name": _WORKER_TOKEN, "scope": Scope.WORKER})
        except CoordinatorError as error:
            raise Unavailable(f"no token for the worker: {error.message}", error.hint) from error
        finally:
            transport.close()
        return from_json(NewToken, made).secret


def _reachable(host: str) -> str:
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}
    return everywhere.get(host, f"[{host}]" if ":" in host else host)
