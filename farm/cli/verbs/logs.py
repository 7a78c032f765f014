"""`farm logs`."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Iterator, Optional, Sequence, Tuple, Union

import click

from farm.protocol.exits import Exit

from ..console import out, say
from ..context import Connection
from ..options import option, verb

if TYPE_CHECKING:
    from farm.client import FarmClient


@verb()
@click.argument("id_", metavar="SUBMISSION|BUILD")
@option("--follow", "-f", is_flag=True, help="Go on until the build has ended.")
@option("--target", metavar="WORD", help="Only this target of a submission.")
@click.pass_obj
def logs(connection: Connection, id_: str, follow: bool, target: Optional[str]) -> int:
    """Print the log of a build, or of every build of a submission.

    Of several builds each line begins with its target.
    """
    with connection.client() as client:
        builds = client.builds_of(id_, target)
        if not builds:
            say("nothing was built: every target was cached, or is still waiting")
        elif len(builds) == 1:
            for line in client.logs(builds[0][1], follow=follow):
                out(line)
        else:
            width = max(len(name) for name, _ in builds)
            lines = _together(client, builds) if follow else _in_turn(client, builds)
            for name, line in lines:
                out(f"{click.style(name.ljust(width), fg='cyan')}  {line}")
    return Exit.DONE


def _in_turn(client: FarmClient, builds: Sequence[Tuple[str, str]]) -> Iterator[Tuple[str, str]]:
    for name, build in builds:
        for line in client.logs(build):
            yield name, line


class _End:
    """A log has ended, by an error or not."""

    def __init__(self, error: Optional[BaseException] = None) -> None:
        self.error = error


def _together(client: FarmClient, builds: Sequence[Tuple[str, str]]) -> Iterator[Tuple[str, str]]:
    """The lines of logs that grow at the same time, in the order in which they arrive.

    Raises: the first error of one of them.
    """
    arrived: queue.Queue[Tuple[str, Union[str, _End]]] = queue.Queue(maxsize=1000)

    def follow(name: str, build: str) -> None:
        try:
            for line in client.logs(build, follow=True):
                arrived.put((name, line))
            arrived.put((name, _End()))
        except BaseException as error:
            arrived.put((name, _End(error)))

    for name, build in builds:
        threading.Thread(target=follow, args=(name, build), daemon=True).start()
    left = len(builds)
    while left:
        name, item = arrived.get()
        if isinstance(item, str):
            yield name, item
        elif item.error is not None:
            raise item.error
        else:
            left -= 1
