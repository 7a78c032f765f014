"""`farm logs`."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional, Sequence, Tuple, Union

import click

from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit

from ..console import emit_json, out, say
from ..context import Connection
from ..options import json_option, option, verb
from ..stored import SUBMISSIONS, stored

if TYPE_CHECKING:
    from farm.client import FarmClient
    from farm.client.logs import LogSource


@verb()
@click.argument("id_", metavar="SUBMISSION|BUILD", shell_complete=stored(SUBMISSIONS))
@option("--follow", "-f", is_flag=True, help="Go on until the build has ended.")
@option("--target", metavar="WORD", help="Only this target of a submission.")
@option("--preparation", is_flag=True, help="How the model of a submission was prepared, instead.")
@json_option
@click.pass_obj
def logs(
    connection: Connection, id_: str, follow: bool, target: Optional[str], preparation: bool, as_json: bool
) -> int:
    """Print the log of a build, or of every build of a submission; of several each line begins with its target.

    Of a build that was never started it is the log of its preparation.
    """
    if follow and as_json:
        raise Invalid("--json prints one object, --follow does not end", "Give one of them.")
    with connection.client() as client:
        sources = client.log_sources(id_, target)
        if as_json:
            emit_json({"logs": [_told(client, source, preparation) for source in sources]})
        elif preparation:
            for name in dict.fromkeys(source.preparation for source in sources if source.preparation):
                _emit(client.preparation_log(name, follow))
        elif not sources:
            say("nothing was built: every target was cached, or waits")
        elif len(sources) == 1:
            _emit(client.log(sources[0], follow))
        else:
            width = max(len(source.target) for source in sources)
            lines = _together(client, sources) if follow else _in_turn(client, sources)
            for name, line in lines:
                out(f"{click.style(name.ljust(width), fg='cyan')}  {line}")
    return Exit.DONE


def _told(client: FarmClient, source: LogSource, preparation: bool) -> Dict[str, Any]:
    prepared = client.preparation_log(source.preparation) if source.preparation else ()
    lines = list(prepared if preparation else client.log(source))
    return {"target": source.target, "build": source.build, "preparation": source.preparation, "lines": lines}


def _emit(lines: Iterator[str]) -> None:
    for line in lines:
        out(line)


def _in_turn(client: FarmClient, sources: Sequence[LogSource]) -> Iterator[Tuple[str, str]]:
    for source in sources:
        for line in client.log(source):
            yield source.target, line


class _End:
    """A log has ended, by an error or not."""

    def __init__(self, error: Optional[BaseException] = None) -> None:
        self.error = error


def _together(client: FarmClient, sources: Sequence[LogSource]) -> Iterator[Tuple[str, str]]:
    """The lines of logs that grow at the same time, in the order in which they arrive.

    Raises: the first error of one of them.
    """
    arrived: queue.Queue[Tuple[str, Union[str, _End]]] = queue.Queue(maxsize=1000)

    def follow(source: LogSource) -> None:
        try:
            for line in client.log(source, follow=True):
                arrived.put((source.target, line))
            arrived.put((source.target, _End()))
        except BaseException as error:
            arrived.put((source.target, _End(error)))

    for source in sources:
        threading.Thread(target=follow, args=(source,), daemon=True).start()
    left = len(sources)
    while left:
        name, item = arrived.get()
        if isinstance(item, str):
            yield name, item
        elif item.error is not None:
            raise item.error
        else:
            left -= 1
