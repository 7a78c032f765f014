"""Server-sent events: parsed, and resumed where a broken connection left off."""

from __future__ import annotations

from typing import Callable, Dict, Iterable, Iterator, Optional

from farm import __version__
from farm.protocol import codec
from farm.protocol.errors import CoordinatorError, ProtocolError
from farm.protocol.version import VERSION_HEADER, version_hint
from farm.protocol.views import Event

from .transport import SAME_VERSION, Break, Broken, Transport

_SILENCE_S = 30.0
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0)


def events(
    transport: Transport,
    submission: Optional[str] = None,
    build: Optional[str] = None,
    after: Optional[int] = None,
    silence_s: Callable[[], float] = lambda: _SILENCE_S,
    patience_s: float = 120.0,
) -> Iterator[Optional[Event]]:
    """Events without end; None whenever the stream was opened anew or was silent, a moment to look for oneself.

    Reconnects by itself, and misses nothing because it names the last event it saw.

    Raises: Broken: the coordinator could not be reached for `patience_s`.
    """
    waited_s, failures = 0.0, 0
    while True:
        opened = False
        headers = {"Accept": "text/event-stream", **({} if after is None else {"Last-Event-ID": str(after)})}
        params = {"submission": submission, "build": build, "after": after}
        try:
            with transport.stream("GET", "/events", params=params, headers=headers, silence_s=silence_s()) as response:
                opened, waited_s, failures = True, 0.0, 0
                yield None
                for event in parse(response.iter_lines(), response.headers.get(VERSION_HEADER, "")):
                    after = event.id
                    yield event
        except Broken as error:
            if opened and error.how is Break.SILENT:
                continue
            if waited_s >= patience_s:
                raise
        pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
        failures, waited_s = failures + 1, waited_s + pause_s
        transport.sleep(pause_s)


def parse(lines: Iterable[str], version: str = "") -> Iterator[Event]:
    """The events that the lines of a stream spell, from a coordinator of that version.

    Raises: CoordinatorError: an event is not one of the farm.
    """
    fields: Dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                yield _event(fields["data"], version)
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and "data" in fields else value


def _event(data: str, version: str) -> Event:
    try:
        return codec.loads(Event, data)
    except ProtocolError as error:
        raise CoordinatorError(
            f"the coordinator sent an event that this version does not understand: {error.message}",
            version_hint(__version__, version) or SAME_VERSION,
        ) from error
