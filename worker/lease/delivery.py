"""What a child made, on its way to the coordinator: blobs first, then one call that makes everything visible."""

from __future__ import annotations

from pathlib import Path
from typing import AbstractSet, Callable, Optional, Sequence, Tuple, Union

from farm.filehash import file_ref
from farm.protocol.codec import loads
from farm.protocol.errors import Conflict, Invalid, LeaseLost
from farm.protocol.model import FileRef
from farm.protocol.plugins import PluginLibrary
from farm.protocol.work import BuildResult, PreparationResult, Prepared
from worker.child.guard import INPUTS_FILE, OUTPUTS_FILE, RESULT_FILE
from worker.child.result import ChildResult
from worker.child.untrusted import check_left, read_left

from .exchange import Exchange
from .libraries import effective_of, files_of

Made = Union[ChildResult, Prepared]

_TRIES = 3


def read_made(workspace: Path, is_build: bool) -> Made:
    """What the child left in `result.json`.

    Raises: Invalid: it cannot be read.
    """
    try:
        data = read_left(workspace / RESULT_FILE)
        return loads(ChildResult, data) if is_build else loads(Prepared, data)
    except (OSError, Invalid) as error:
        raise Invalid(f"the child ended well, but its result cannot be read: {error}") from error


class Delivery:
    """Brings what a child made to the coordinator, through its restarts.

    Args:
        exchange: Of the lease; its cache keeps a prepared model, which is mostly built here next.
        output: The folder with the files.
        known: Digests that the coordinator has, since it handed them out.
    """

    def __init__(self, exchange: Exchange, output: Path, known: AbstractSet[str]) -> None:
        self._exchange = exchange
        self._output = output
        self._known = known

    def deliver(
        self, made: Made, libraries: Sequence[PluginLibrary], child_ms: float, told: Callable[[], None]
    ) -> None:
        """Store the blobs, then say so; `told` returns when stages and log have arrived, which go beside the blobs.

        The libraries of an engine's plugins are stored already, and nothing that a build has loaded could change them.

        Raises: LeaseLost, GaveUp. Invalid: a file is not what the child said, or the result contradicts the build.
            Conflict: blobs keep going away. StorageFull
        """
        files = _files_of(made, self._output)
        self._send(files, self._known)
        if isinstance(made, Prepared):
            for item in files:
                self._exchange.cache.adopt(self._output / item.name, item.sha256)
        told()
        self._exchange.halt.check()
        for left in reversed(range(_TRIES)):
            try:
                self._exchange.call(lambda: self._say(made, libraries, child_ms), "publishing")
                return
            except LeaseLost:
                raise
            except Conflict as error:
                if "missing" not in error.details or not left:
                    raise
            # Blobs that were there have been collected meanwhile.
            self._send(files, frozenset())

    def _send(self, files: Tuple[FileRef, ...], known: AbstractSet[str]) -> None:
        self._exchange.call(lambda: self._exchange.send(self._output, files, known), "sending")

    def _say(self, made: Made, libraries: Sequence[PluginLibrary], child_ms: float) -> None:
        line = self._exchange.line
        token = line.lease.token
        if isinstance(made, Prepared):
            line.prepared(PreparationResult(token, made, child_ms))
            return
        line.publish(_result(made, libraries, token, child_ms))


def _result(made: ChildResult, libraries: Sequence[PluginLibrary], token: int, child_ms: float) -> BuildResult:
    effective = {**made.effective, **({"plugins": effective_of(libraries)} if libraries else {})}
    return BuildResult(
        token=token,
        files=(*made.files, *files_of(libraries)),
        inputs=made.inputs,
        outputs=made.outputs,
        requirement=made.requirement,
        effective=effective,
        verification=made.verification,
        benchmark=made.benchmark,
        degraded=made.degraded,
        child_ms=child_ms,
    )


def _files_of(made: Made, output: Path) -> Tuple[FileRef, ...]:
    """Every file that the child says it made. Raises: Invalid: one is not there, or is no plain file."""
    proof = (*_present(made.samples), *_present(made.values)) if isinstance(made, ChildResult) else ()
    files = (*made.files, *proof)
    for item in files:
        check_left(output, item.name)
    if isinstance(made, ChildResult):
        return files
    references = {INPUTS_FILE: made.reference_inputs, OUTPUTS_FILE: made.reference_outputs}
    names = [name for name, sha256 in references.items() if sha256 is not None]
    return (*files, *(file_ref(output / check_left(output, name), name) for name in names))


def _present(ref: Optional[FileRef]) -> Tuple[FileRef, ...]:
    return () if ref is None else (ref,)
