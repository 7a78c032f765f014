"""Wake-ups as Celery messages on Redis or Valkey."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from farm.protocol.errors import Unavailable
from farm.protocol.wakeup import EXPIRES_S, QUEUE, TASK, prefix_of

from .client import ANSWER_S, CONNECT_S, connect

_TIMEOUTS = {"socket_timeout": ANSWER_S, "socket_connect_timeout": CONNECT_S}
_OPEN_LINES = 64
_LONGEST_QUEUE = 100


@dataclass(frozen=True)
class _Line:
    """An open connection under one device's key prefix."""

    connection: Any
    producer: Any


class Publisher:
    """Speaks to the broker from one thread; each call takes at most seconds, or raises `Unavailable`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._app = Celery("farm", broker=url, set_as_current=False)
        self._app.conf.update(task_serializer="json", accept_content=["json"], task_ignore_result=True)
        self._lines: OrderedDict[str, _Line] = OrderedDict()
        self.client = connect(url)

    def publish(self, device: str, build_id: str) -> None:
        """Put one wake-up into the device's queue.

        The message carries no `expires`: a worker would compare that with its own clock, which may lie. The broker
        drops the whole queue when nobody was woken for a while, by its clock, and keeps the newest of a long one.
        """
        line = self._line(device)
        queued = f"{prefix_of(device)}{QUEUE}"
        self._app.send_task(TASK, args=[build_id], queue=QUEUE, producer=line.producer, retry=False)
        with self.client.pipeline() as both:
            both.ltrim(queued, 0, _LONGEST_QUEUE - 1)
            both.expire(queued, EXPIRES_S)
            both.execute()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn whatever the broker or the network answers into `Unavailable`, and begin anew afterwards."""
        try:
            yield
        except (OperationalError, redis.RedisError, OSError) as error:
            self._hang_up()
            raise Unavailable(f"the broker cannot be reached or refuses: {error}") from error

    def close(self) -> None:
        """Close every connection."""
        self._hang_up()
        self._app.close()

    def _line(self, device: str) -> _Line:
        if device not in self._lines:
            options = {"global_keyprefix": prefix_of(device), **_TIMEOUTS}
            connection = self._app.connection_for_write(self._url, transport_options=options)
            # Without the retries of kombu, which would hold up the wake-ups of everybody else.
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=ANSWER_S)
            self._lines[device] = _Line(connection, self._app.amqp.Producer(connection, auto_declare=False))
        self._lines.move_to_end(device)
        if len(self._lines) > _OPEN_LINES:
            _, oldest = self._lines.popitem(last=False)
            oldest.connection.release()
        return self._lines[device]

    def _hang_up(self) -> None:
        for line in self._lines.values():
            line.connection.release()
        self._lines.clear()
        self.client.close()
