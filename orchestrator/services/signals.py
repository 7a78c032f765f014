"""Tells waiting calls of this process that something moved, so that nobody polls the database.

A signal carries nothing: who hears one looks again. Watch first, then look, then wait: what moves in between is heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

EVENTS = "events"


def work_for(device_id: str) -> str:
    """The topic of "there may be work for this device"."""
    return f"work:{device_id}"


def attempt(attempt_id: str) -> str:
    """The topic of "the coordinator has something to say to the holder of this lease"."""
    return f"attempt:{attempt_id}"


class Watch:
    """Hears topics for one task of an event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """True as soon as a topic moved since the last wait; False when the time is over."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()
        except TimeoutError:
            return False
        self._moved.clear()
        return True

    def notify(self) -> None:
        """Wake the waiter; from any thread. A loop that has ended has nobody left to wake."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._moved.set)


class Signals:
    """Topics and who watches them. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._watches: dict[str, set[Watch]] = {}
        self._lock = Lock()

    def changed(self, topic: str) -> None:
        """Wake all who watch the topic."""
        with self._lock:
            watches = tuple(self._watches.get(topic, ()))
        for watch in watches:
            watch.notify()

    @contextmanager
    def watch(self, *topics: str) -> Iterator[Watch]:
        """A watch over topics while the block lasts; entered inside an event loop."""
        watch = Watch()
        with self._lock:
            for topic in topics:
                self._watches.setdefault(topic, set()).add(watch)
        try:
            yield watch
        finally:
            with self._lock:
                for topic in topics:
                    self._watches[topic].discard(watch)
                    if not self._watches[topic]:
                        del self._watches[topic]
