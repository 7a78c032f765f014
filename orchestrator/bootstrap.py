"""The only place that picks the concrete parts of a coordinator and puts them together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from farm.protocol.errors import Unavailable
from farm.protocol.states import Scope
from orchestrator.blobs.disk import DiskStore
from orchestrator.blobs.scrub import Corruption, Scrub
from orchestrator.queue.choose import choose
from orchestrator.services import housekeeping, plugins, reconciler, tokens
from orchestrator.services.context import Context
from orchestrator.services.policy import Policy
from orchestrator.store.database import Database
from orchestrator.store.livelogs import FileLogs
from orchestrator.store.migrate import migrate

from .files import only_one, write_secret
from .settings import Settings

_AFTER_MISTAKE_S = 5.0

log = logging.getLogger("farm.coordinator")


class Coordinator:
    """A coordinator with everything but its server. Leave the block to stop its parts in order."""

    def __init__(self, settings: Settings) -> None:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self._lock = only_one(settings.data / "coordinator.lock", runs_already(settings.data))
        migrate(settings.database_url)
        self._database = Database(settings.database_url)
        store = DiskStore(settings.data / "blobs", settings.reserve_bytes)
        wakeups = choose(
            settings.broker_url,
            settings.data / "broker",
            own_users=settings.broker_users,
            worker_url=settings.broker_worker_url,
        )
        policy = replace(
            Policy(), lease_ttl_s=settings.lease_ttl_s, heartbeat_s=settings.heartbeat_s, poll_s=settings.poll_s
        )
        self.context = Context(
            database=self._database, blobs=store, logs=FileLogs(settings.data / "logs"), wakeups=wakeups, policy=policy
        )
        self._store = store
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Coordinator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.context.wakeups.close()
        self._store.close()
        self._database.close()
        self._lock.close()

    def start(self) -> None:
        """Start what works in the background, once clients can be served."""
        plugins.publish_shipped(self.context)
        reconciler.begin(self.context)
        self._run("reconciler", lambda: reconciler.run(self.context, self._stop))
        self._run("housekeeping", lambda: housekeeping.run(self.context, self._stop))
        self._run("scrub", Scrub(self._store, _tell_corruption, self._stop.wait).run)

    def first_token(self, anew: bool = False) -> Path | None:
        """Make an administrator's token where there is none, or `anew`; the file it was written to."""
        if not anew and tokens.has_admin(self.context):
            return None
        made = tokens.create(self.context, "admin", Scope.ADMIN)
        write_secret(self.settings.admin_token_file, made.secret + "\n")
        return self.settings.admin_token_file

    def _run(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=_kept, args=(name, work, self._stop), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _kept(name: str, work: Callable[[], None], stop: threading.Event) -> None:
    """Run a part of the background again when it fails on something nobody expected: the farm must not stop to heal."""
    while not stop.is_set():
        try:
            work()
            return
        except Exception:
            log.exception("the %s begins again after a mistake", name)
            stop.wait(_AFTER_MISTAKE_S)


def _tell_corruption(corruption: Corruption) -> None:
    log.error("the blob %s is corrupt on disk (%s) and was put aside", corruption.sha256, corruption.found)


def runs_already(data: Path) -> Unavailable:
    """The error of whoever finds `coordinator.lock` taken."""
    return Unavailable(
        f"another coordinator runs with its data in {data}", "Stop it, or choose another folder with --data."
    )
