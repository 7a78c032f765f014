"""`farm coordinator start`, and the verbs beside it."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from pathlib import Path

import click

from farm.cycles import collect_seldom
from farm.hiding import hide

from .backup.verbs import backup, restore

# Calls that workers hold open, and the streams of those who watch.
_DESCRIPTORS = 1 << 16
_LOG_LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


@click.group()
def coordinator() -> None:
    """Run the coordinator."""


@coordinator.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of everything it keeps, instead of FARM_DATA.")
@click.option("--host", help="Address to listen on, instead of FARM_HOST; 0.0.0.0 for every network.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of FARM_PORT; 0 for any.")
@click.option("--new-admin-token", is_flag=True, help="Write another administrator's token, should all be lost.")
@click.option("--listen-fd", type=int, hidden=True, help="A socket that listens already.")
def start(data: Path | None, host: str | None, port: int | None, new_admin_token: bool, listen_fd: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Everything it needs and has not is made at the first start: the database, a broker of its own, and a token of an
    administrator in the file admin.token of its data folder.
    """
    from .api.app import make_app, stop_holding
    from .api.server import FarmServer, listen, make_server_config
    from .bootstrap import Coordinator
    from .pages.routes import error_page, page_routes
    from .settings import from_process

    # Builds of this machine may belong to the same user.
    hide(_DESCRIPTORS)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    for chatty in ("alembic", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    log = logging.getLogger("farm.coordinator")
    settings = from_process(data=data, host=host, port=port)
    for name in settings.unknown:
        log.warning("%s is no setting of the coordinator", name)
    listening = socket.socket(fileno=listen_fd) if listen_fd is not None else listen(settings.host, settings.port)
    with listening, Coordinator(settings) as parts:
        app = make_app(parts.context, page_routes(), error_page)
        written = parts.first_token(new_admin_token)
        if written is not None:
            click.echo(f"An administrator's token is in {written}", err=True)
        parts.start()

        def ready(bound_port: int) -> None:
            _settle_memory()
            log.info("serving on http://%s:%d, with its data in %s", settings.host, bound_port, settings.data)

        FarmServer(make_server_config(app), ready, lambda: stop_holding(app)).run(sockets=[listening])
    log.info("stopped")


@coordinator.command()
@click.option("--timeout-s", default=5.0, show_default=True, help="How long to wait for the answer.")
def health(timeout_s: float) -> None:
    """Ask the coordinator of this machine whether it is ready.

    It is when its database answers and takes writes. For container engines: exit code 0, or 9 with the reason.
    """
    from .healthcheck import check_ready
    from .settings import from_process

    settings = from_process()
    check_ready(settings.host, settings.port, timeout_s)
    click.echo("ready")


coordinator.add_command(backup)
coordinator.add_command(restore)


def _settle_memory() -> None:
    """Let the collector never look among what is loaded by now, which stays for good."""
    gc.collect()
    gc.freeze()
    collect_seldom()
