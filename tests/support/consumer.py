"""A worker's consumer that prints `woken ID` when woken: `python -m tests.support.consumer URL DEVICE`, on 3.9 too."""

from __future__ import annotations

import logging
import signal
import sys
import threading

from farm.protocol.wakeup import QUEUE, prefix_of
from farm.protocol.work import Enrolled
from worker.consumer import Consumer

_STOP_S = 10.0


def main(url: str, device: str) -> None:
    """Consume until terminated."""
    enrolled = Enrolled(device, url, prefix_of(device), QUEUE, poll_s=30.0, heartbeat_s=15.0, lease_ttl_s=60.0)
    logging.basicConfig()
    consumer = Consumer(url, enrolled, 1, _tell, deaf=lambda: None)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    consumer.start()
    ended.wait()
    consumer.stop()
    consumer.join(_STOP_S)


def _tell(build_id: str) -> None:
    sys.stdout.write(f"woken {build_id}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
