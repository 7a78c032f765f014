"""The log of a build while it runs and after, line by line, through new attempts and broken connections."""

from __future__ import annotations

import codecs
from typing import Iterator, NamedTuple, Optional, Tuple

from farm.protocol.errors import Invalid, NotFound
from farm.protocol.states import ENDED_STATES
from farm.protocol.views import BuildView, SubmissionView

from .transport import Break, Broken, Transport, segment

_PAUSE_S = 0.5
_TRIES = 20


class LogSource(NamedTuple):
    """A build with the target it was wanted for and the preparation it waits for."""

    target: str
    build: str
    preparation: str = ""


def build_log(transport: Transport, build: str, follow: bool = False) -> Iterator[str]:
    """The lines of the newest attempt's log, without their ends; with `follow` until the build has ended.

    A new attempt that begins meanwhile follows the one before.

    Raises: NotFound: there is no such build.
    """
    where, seen = f"/builds/{segment(build)}", ""
    while True:
        view = transport.value(BuildView, "GET", where)
        attempt = view.attempts[-1].id if view.attempts else ""
        if attempt != seen:
            yield from _attempt_log(transport, where + "/log", attempt, follow)
            seen = attempt
        elif not follow or view.state in ENDED_STATES:
            return
        else:
            transport.sleep(_PAUSE_S)
        if not follow:
            return


def preparation_log(transport: Transport, preparation: str, follow: bool = False) -> Iterator[str]:
    """The lines of a preparation's log; none where it has not begun.

    Raises: NotFound: there is no such preparation.
    """
    yield from _attempt_log(transport, f"/preparations/{segment(preparation)}/log", None, follow)


def source_log(transport: Transport, source: LogSource, follow: bool = False) -> Iterator[str]:
    """The lines of a build's log; of one that was never started those of its preparation, which tell why.

    Where the preparation is not known, what the failure of the build holds of them.
    """
    empty = True
    for line in build_log(transport, source.build, follow):
        empty = False
        yield line
    if not empty:
        return
    if source.preparation:
        yield from preparation_log(transport, source.preparation)
        return
    view = transport.value(BuildView, "GET", f"/builds/{segment(source.build)}")
    if view.failure is not None:
        yield from view.failure.log_tail.splitlines()


def sources_of(transport: Transport, submission_or_build: str, target: Optional[str] = None) -> Tuple[LogSource, ...]:
    """Where the logs are that an id stands for: of a submission one for each target, or that of one target.

    Raises: NotFound: nothing has this id. Invalid: the submission has no such target.
    """
    try:
        view = transport.value(SubmissionView, "GET", f"/submissions/{segment(submission_or_build)}")
    except NotFound:
        build = transport.value(BuildView, "GET", f"/builds/{segment(submission_or_build)}")
        return (LogSource(build.label, build.id),)
    chosen = [item for item in view.builds if target in (None, item.target, item.label)]
    if target is not None and not chosen:
        known = ", ".join(item.target for item in view.builds)
        raise Invalid(f"{view.id} has no target {target!r}", f"It has {known}.")
    return tuple(LogSource(item.target, item.build, item.preparation) for item in chosen if item.build)


def _attempt_log(transport: Transport, where: str, attempt: Optional[str], follow: bool) -> Iterator[str]:
    offset, tries = 0, _TRIES
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while True:
        begin = offset
        try:
            params = {"offset": offset, "attempt": attempt or None, "follow": 1 if follow else None}
            with transport.stream("GET", where, params=params) as response:
                for chunk in response.iter_bytes():
                    offset += len(chunk)
                    *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                    yield from lines
            break
        except Broken as error:
            if error.how is Break.SILENT and follow:
                continue
            tries = _TRIES if offset > begin else tries - 1
            if not tries:
                raise
            transport.sleep(_PAUSE_S)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest
