"""`farm up`: everything in one terminal."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Folder of everything the farm keeps.")
@click.option("--host", help="Address to listen on; 0.0.0.0 for every network.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 for any free one.")
@click.option("--env-file", type=click.Path(path_type=Path), help="File for FARM_URL and FARM_TOKEN, once it serves.")
@click.option("--no-broker", is_flag=True, help="Let workers poll, without Redis or Valkey.")
@click.option("--no-worker", is_flag=True, help="Start the coordinator only.")
def up(
    data: Path | None, host: str | None, port: int | None, env_file: Path | None, no_broker: bool, no_worker: bool
) -> None:
    r"""Run a whole farm in this terminal: coordinator, broker, and a worker for this machine.

    Ctrl-C stops everything. What is stored stays, by default in ~/.local/share/farm.
    """
    from farm.hiding import hide

    from .files import write_secret
    from .onemachine import OneMachine
    from .settings import from_process, inherited

    hide()
    settings = from_process(data=data, host=host, port=port)
    environ = {**inherited(), **({"FARM_BROKER_URL": "none"} if no_broker else {})}
    written = (env_file or settings.data / "farm.env").absolute()
    written.unlink(missing_ok=True)  # whoever waits for it must not find that of an earlier farm
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: stop.set())
    with OneMachine(settings, environ, not no_worker, tell, (written,)) as machine:
        token = machine.start(stop.is_set)
        if stop.is_set():
            return
        write_secret(written, f"FARM_URL={machine.url}\nFARM_TOKEN={token}\n")
        click.echo(f"The farm is up: {machine.url}/sign-in#{token}")
        click.echo(f"In another terminal: set -a; . {written}; set +a; farm submit model.onnx --targets cpu --wait")
        while not stop.wait(0.2):
            machine.look()
        tell("stopping")


def tell(sentence: str) -> None:
    """Say something to the person at the terminal."""
    click.echo(f"farm up: {sentence}", err=True)
