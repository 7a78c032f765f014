"""Builds of parts of a graph, for the target on which the whole failed: submissions like any other.

So a device builds them in a child of its own, with its time limit and its memory, and whatever one does to the device
is told as ever. One that was built before, with the same key, is not built again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from farm.client import FarmClient, SubmitOptions
from farm.protocol.errors import BuildFailed, FarmError
from farm.protocol.states import State
from farm.protocol.submit import SubmitAsk

from ..graph.model import Model

log = logging.getLogger(__name__)


class Prober:
    """Builds parts.

    Args:
        client: Of the coordinator.
        ask: The submission of the whole.
        word: Which of its targets failed.
        stage: Where it failed.
        folder: On the file system of the model.
        tell: Told of each build.
    """

    def __init__(
        self, client: FarmClient, ask: SubmitAsk, word: str, stage: State, folder: Path, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._word = word
        self._stage = stage
        self._folder = folder
        self._tell = tell
        self.builds = 0
        self._options = SubmitOptions(
            name=f"{ask.name}-diagnosis",
            build=ask.options,
            reference=replace(ask.reference, outputs=None),
            verify=replace(ask.verify, enabled=ask.verify.enabled and stage is State.VERIFYING),
            benchmark=replace(ask.benchmark, enabled=False),
            steps=(),
            priority=ask.priority,
            tags={"diagnosis": "of " + ask.name},
            timing_cache=ask.timing_cache,
            plugins=ask.plugins,
        )

    def fails(self, part: Model) -> bool:
        """A part fails where the whole did.

        Raises: BuildFailed: it fails elsewhere, so that it tells nothing.
        """
        self.builds += 1
        with TemporaryDirectory(dir=self._folder) as place:
            path = Path(place) / part.write(Path(place))[0]
            sent = self._client.submit(path, [self._word], self._options)
        view = self._client.wait(sent.id, check=False)
        (result,) = self._client.results(view)
        failure = result.failure
        count = len(part.proto.graph.node)
        self._tell(f"{count} operators: {'builds' if failure is None else failure.message}")
        if failure is None:
            self._forget(view.builds[0].engine)
            return False
        if failure.stage is not self._stage:
            raise BuildFailed(
                f"the first {count} operators fail at {failure.stage}, the whole at {self._stage}: {failure.message}",
                f"See farm logs {view.id}.",
            )
        return True

    def _forget(self, engine: str | None) -> None:
        """Nobody wants the engine of a part."""
        try:
            if engine is not None:
                self._client.engines.remove(engine)
        except FarmError as error:
            log.warning("the engine %s of a part stays: %s", engine, error)
