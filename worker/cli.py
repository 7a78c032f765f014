"""`farm worker start` and `farm worker health`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

import click


@click.group()
def worker() -> None:
    """Run a worker on this machine."""


@worker.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of everything it keeps, or FARM_WORKER_DATA.")
@click.option("--name", help="Name of this device; by default its host name.")
@click.option("--roles", metavar="ROLES", help="host, device or both; by default what this machine can be.")
@click.option("--slots", metavar="SLOTS", help="Such as gpu0,cpu0; by default each card and the processor.")
@click.option("--targets", metavar="TARGETS", help="Target words to serve; by default all that it can build for.")
@click.option("--trust-group", metavar="GROUP", help="Devices of one group share compiled plugin libraries.")
@click.option("--grace-s", metavar="SECONDS", help="How long running work may go on after SIGTERM.  [default: 300]")
@click.option("--executor", metavar="KIND", help="process, or container: each build in one of its own.")
@click.option("--images", metavar="IMAGES", help="Images of containers, separated by commas: one for each toolchain.")
@click.pass_obj
def start(connection: Any, /, data: Optional[Path], **flags: Optional[str]) -> None:
    """Serve this machine until SIGTERM or Ctrl-C.

    The first signal lets running work end within its grace and claims no more; a second one hands it back at once.
    """
    from . import service
    from .configuration import from_environment
    from .settings import take_environment

    settings = connection.settings().checked()
    environ = take_environment()
    worker_settings = from_environment(environ, data, (settings.config_file,), **flags)
    service.run(settings.url, settings.token, worker_settings, environ)


@worker.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of the worker, or FARM_WORKER_DATA.")
def health(data: Optional[Path]) -> None:
    """Say whether the worker of this machine runs and the coordinator hears of it.

    For container engines and supervisors: exit code 0, or 9 with the reason.
    """
    from .configuration import data_folder
    from .settings import take_environment
    from .vitals import Vitals

    ago_s = Vitals(data_folder(take_environment(), data)).check()
    click.echo(f"heard {ago_s:.0f} s ago")
