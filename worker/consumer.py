"""Wake-ups from the broker: a Celery worker in a thread of this process, started again whenever it ends.

The Celery task is the run of a build, as `celery inspect active` shows it; but its message is a hint, acknowledged
before anything is done, and the claim decides. Losing messages, or the broker, loses no work.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

from farm.protocol.wakeup import TASK
from farm.protocol.work import Enrolled

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONNECTION = {
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 5,
}
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


def reachable_broker(enrolled: Enrolled, coordinator_url: str) -> Optional[str]:
    """The broker to listen to; None where there is none, or where it is on another machine's loopback interface."""
    url = enrolled.broker_url
    if url and urlsplit(url).hostname in _LOOPBACK and urlsplit(coordinator_url).hostname not in _LOOPBACK:
        return None
    return url


class Consumer(threading.Thread):
    """Listens until stopped.

    Args:
        url: Of the broker, with this device's own credential.
        enrolled: Names the queue.
        concurrency: Tasks at a time: one more than slots, so that a wake-up is heard while all of them work.
        serve: Does the work that a hint led to; returns when it is done.
        deaf: Called when wake-ups stop to arrive: somebody should look for work without them.
    """

    def __init__(
        self,
        url: str,
        enrolled: Enrolled,
        concurrency: int,
        serve: Callable[[str], None],
        deaf: Callable[[], None],
    ) -> None:
        super().__init__(name="consumer", daemon=True)
        self._url = url
        self._enrolled = enrolled
        self._concurrency = concurrency
        self._serve = serve
        self._deaf = deaf
        self._stopping = threading.Event()
        self._connected = threading.Event()

    @property
    def connected(self) -> bool:
        """True while wake-ups can arrive."""
        return self._connected.is_set()

    def stop(self) -> None:
        """Listen no more. A message that is lost by it was only a hint."""
        from celery.worker import state

        self._stopping.set()
        state.should_stop = 0

    def run(self) -> None:
        """Listen, through every end of the connection and of Celery itself."""
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                self._listen()
            except Exception:  # Celery and its transports raise whatever they like
                log.exception("the consumer of wake-ups ended")
            if self.connected:
                pause_s = _FIRST_PAUSE_S
                self._lose()
            if self._stopping.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            log.warning("starting the consumer of wake-ups again")

    def _lose(self) -> None:
        self._connected.clear()
        self._deaf()

    def _listen(self) -> None:
        app = _make_app(self._url, self._enrolled, self._serve, self._connected.set, self._lose)
        try:
            worker = app.WorkController(
                app=app,
                hostname=f"farm@{self._enrolled.device}",
                pool="threads",
                concurrency=self._concurrency,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
                quiet=True,
            )
            # Celery ends a thread as it would end a process.
            worker.start()
        except SystemExit as error:
            log.debug("Celery ended with %s", error.code)
        finally:
            app.close()


def _make_app(
    url: str, enrolled: Enrolled, serve: Callable[[str], None], found: Callable[[], None], lost: Callable[[], None]
) -> Any:
    from celery import Celery, bootsteps
    from celery.worker.consumer.tasks import Tasks

    class Connected(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
        """Follows the connection: Celery starts this once it consumes, and stops it when the broker goes."""

        requires = (Tasks,)

        def start(self, consumer: Any) -> None:
            found()

        def stop(self, consumer: Any) -> None:
            lost()

    app = Celery("farm", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_default_queue=enrolled.queue,
        task_ignore_result=True,
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"global_keyprefix": enrolled.broker_prefix, **_CONNECTION},
    )
    app.steps["consumer"].add(Connected)

    @app.task(name=TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
    def build(build_id: str) -> None:
        """Serve the free slots of this device: the hint first, then whatever else there is."""
        serve(build_id)

    return app
