"""A Celery worker that prints `woken ID` for each wake-up: `python -m tests.support.consumer URL DEVICE`, 3.9 too."""

from __future__ import annotations

import sys

from celery import Celery

from farm.protocol.wakeup import QUEUE, TASK, prefix_of

OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 2, "socket_keepalive": True, "health_check_interval": 5}


def main(url: str, device: str) -> None:
    """Consume until terminated."""
    app = Celery("farm", broker=url)
    app.conf.update(
        accept_content=["json"],
        task_default_queue=QUEUE,
        task_ignore_result=True,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={"global_keyprefix": prefix_of(device), **OPTIONS},
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )

    @app.task(name=TASK)  # type: ignore[untyped-decorator]  # Celery ships no types
    def build(build_id: str) -> None:
        sys.stdout.write(f"woken {build_id}\n")
        sys.stdout.flush()

    app.worker_main(["worker", "--pool=solo", "--loglevel=WARNING", "--without-mingle", "--without-gossip"])


if __name__ == "__main__":
    main(*sys.argv[1:])
