"""The sha256 of what passes, taken beside the thread that passes it on: hashing lets other threads of Python run."""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import List, Optional

_BATCH_BYTES = 1 << 20
# What may wait to be hashed, in batches: a disk that stutters need not stop the hash, and memory stays constant.
_WAITING = 4


class Sha256Beside:
    """A running sha256 with a thread of its own, which ends with the block."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._batch: List[bytes] = []
        self._batch_bytes = 0
        self._waiting: queue.Queue[Optional[List[bytes]]] = queue.Queue(_WAITING)
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> Sha256Beside:
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def update(self, data: bytes) -> None:
        """More of it; waits where the hash is far behind."""
        self._batch.append(data)
        self._batch_bytes += len(data)
        if self._batch_bytes >= _BATCH_BYTES:
            self._hand_over()

    def hexdigest(self) -> str:
        """The digest of all that came."""
        self._catch_up()
        return self._hash.hexdigest()

    def clear(self) -> None:
        """Begin anew."""
        self._catch_up()
        self._hash = hashlib.sha256()

    def _hand_over(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sha256", daemon=True)
            self._thread.start()
        self._waiting.put(self._batch)
        self._batch, self._batch_bytes = [], 0

    def _catch_up(self) -> None:
        self._waiting.join()
        for data in self._batch:
            self._hash.update(data)
        self._batch, self._batch_bytes = [], 0

    def _run(self) -> None:
        while True:
            batch = self._waiting.get()
            for data in batch or ():
                self._hash.update(data)
            self._waiting.task_done()
            if batch is None:
                return
