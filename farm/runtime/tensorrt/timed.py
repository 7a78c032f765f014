"""One inference with an event before and after each of its phases."""

from __future__ import annotations

from contextlib import suppress
from typing import Dict

from farm.protocol.errors import BuildFailed, Invalid, Unsupported

from ..cuda.stream import Event, Graph, Stream
from ..session import Launch
from .lane import Lane

PHASES = ("h2d", "compute", "d2h")


class Timed:
    """Runs the inference of a lane, whose inputs are there, and tells milliseconds of each phase.

    The clock is that of the GPU: what the host does in between, such as reading events, is in no phase. The computation
    is launched when its inputs are there, and is alone in its stream, as in a loop of nothing but launches. A copy in
    front of it would hide the launch of its first kernel, or let it wait for another engine of the card.

    Args:
        lane: Kept for as long as this lives.
        launch: How the computation is launched. The copies are never part of a CUDA graph.

    Raises: Unsupported: the engine cannot be recorded as a CUDA graph.
    """

    def __init__(self, lane: Lane, launch: Launch) -> None:
        self._lane = lane
        self._graph = _recorded(lane) if launch.cuda_graph else None
        # Events that wake a sleeping host are late, by some 25 microseconds on an H200: the times of none are read.
        self._events = [Event() for _ in range(len(PHASES) + 2)]
        self._done = Event(launch.spin_wait)
        self._copies = Stream()

    def __call__(self) -> Dict[str, float]:
        """One inference."""
        lane, copies, (begun, there, launched, computed, back) = self._lane, self._copies, self._events
        lane.enter()
        begun.record(copies)
        lane.copy_in(copies)
        there.record(copies)
        there.wait()  # awake: a copy takes microseconds, and who sleeps meanwhile launches late
        launched.record(lane.stream)
        if self._graph is None:
            lane.compute()
        else:
            self._graph.launch(lane.stream)
        computed.record(lane.stream)
        copies.wait_for(computed)
        lane.copy_out(copies)
        back.record(copies)
        self._done.record(copies)
        self._done.wait()
        times_ms = (there.since_ms(begun), computed.since_ms(launched), back.since_ms(computed))
        return dict(zip(PHASES, times_ms))

    def close(self) -> None:
        """Free the events and the graph."""
        for event in (*self._events, self._done):
            event.close()
        self._copies.close()
        if self._graph is not None:
            self._graph.close()


def _recorded(lane: Lane) -> Graph:
    # The first inference with new shapes sets things up that cannot be recorded.
    lane.copy_in()
    lane.compute()
    lane.stream.wait()
    try:
        lane.stream.begin_capture()
        try:
            lane.compute()
        except Invalid:
            # Or the stream would record for ever.
            with suppress(BuildFailed):
                lane.stream.end_capture().close()
            raise
        return lane.stream.end_capture()
    except (BuildFailed, Invalid) as error:
        raise Unsupported(
            f"the engine cannot be recorded as a CUDA graph: {error.message}", "Measure it without --useCudaGraph."
        ) from error
