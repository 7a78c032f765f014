"""The coordinator as the worker sees it. The token lives here and nowhere else."""

from __future__ import annotations

from typing import Optional

from farm.client.transport import Transport, segment
from farm.protocol.codec import loads
from farm.protocol.plugins import Compiled, PluginLibraryAnswer, PluginLibraryAsk, PluginLibraryMade
from farm.protocol.timing import TimingCacheSwap, TimingCacheSwapped
from farm.protocol.work import (
    Beat,
    BuildResult,
    Claim,
    ClaimAsk,
    Control,
    Enrolled,
    Enrolment,
    FailureReport,
    Heartbeat,
    HeartbeatAnswer,
    Lease,
    PreparationResult,
    ProgressReport,
    StageReport,
)

_ANSWER_S = 15.0
_LEASE_HEADER = "Farm-Lease"


class Coordinator:
    """Calls that a worker makes. Each raises `Broken` where the same call may succeed later; all may be repeated.

    Args:
        url: Without `/api/v1`.
        token: A token with the scope `worker`.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token
        self._transport = Transport(url, token, timeout_s=_ANSWER_S)

    def enrol(self, enrolment: Enrolment) -> Enrolled:
        """Introduce this device. Raises: Unauthorized, Forbidden, Conflict, Invalid."""
        return self._transport.value(Enrolled, "POST", "/enrol", enrolment, repeatable=False)

    def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Tell that this device lives."""
        return self._transport.value(HeartbeatAnswer, "POST", "/heartbeat", beat, repeatable=False)

    def claim(self, ask: ClaimAsk) -> Optional[Claim]:
        """Ask for work; None where there is none.

        Raises: Forbidden: the device is not enrolled any more.
        """
        response = self._transport.request("POST", "/claims", ask, repeatable=False, silence_s=ask.wait_s + _ANSWER_S)
        if not response.content:
            return None
        return self._transport.decoded(response, lambda: loads(Claim, response.content))

    def hold(self, lease: Lease) -> LeaseLine:
        """The calls of one lease."""
        named = {_LEASE_HEADER: f"{lease.attempt}:{lease.token}"}
        blobs = Transport(self.url, self._token, timeout_s=4 * _ANSWER_S, headers=named)
        return LeaseLine(lease, self._transport, blobs)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class LeaseLine:
    """Calls of one lease. Each raises `LeaseLost` when the work is somebody else's.

    Attributes:
        blobs: For transfers in the name of the lease.
    """

    def __init__(self, lease: Lease, transport: Transport, blobs: Transport) -> None:
        self.lease = lease
        self.blobs = blobs
        self._transport = transport
        self._path = f"/leases/{segment(lease.attempt)}"

    def beat(self, wait_s: float) -> Control:
        """Hold the lease; answered when the coordinator wants something, or after `wait_s`."""
        return self._transport.value(
            Control,
            "POST",
            f"{self._path}/beat",
            Beat(self.lease.token, wait_s),
            repeatable=False,
            silence_s=wait_s + _ANSWER_S,
        )

    def stage(self, report: StageReport) -> None:
        """Tell that the work entered a stage. Raises: Conflict: the stage does not follow."""
        self._say("stage", report)

    def progress(self, report: ProgressReport) -> None:
        """Tell how far the work is in its stage."""
        self._say("progress", report)

    def log(self, offset: int, data: bytes) -> int:
        """Add to the log; where it ends now. Raises: Conflict: `details.offset` is where to go on."""
        response = self._transport.request(
            "POST",
            f"{self._path}/log",
            params={"token": self.lease.token, "offset": offset},
            content=data,
            headers={"Content-Type": "application/octet-stream"},
            repeatable=False,
        )
        return int(response.json()["offset"])

    def prepared(self, result: PreparationResult) -> None:
        """Complete a preparation. Raises: Conflict: blobs are missing. Invalid."""
        self._say("prepared", result)

    def publish(self, result: BuildResult) -> None:
        """Publish an engine. Raises: Conflict: blobs are missing. Invalid: it contradicts the build."""
        self._say("publish", result)

    def swap_timing_cache(self, swap: TimingCacheSwap) -> TimingCacheSwapped:
        """Put a timing cache, whose blob is stored, in the place of the one it grew from.

        Raises: Conflict: the blob is missing, or this build changes none. Invalid: it is too large.
        """
        return self._transport.value(TimingCacheSwapped, "POST", f"{self._path}/timing-cache", swap, repeatable=False)

    def find_plugin_library(self, ask: PluginLibraryAsk) -> PluginLibraryAnswer:
        """The library with this key that a device of this target and trust group has made, if there is one."""
        path = f"{self._path}/plugin-libraries/find"
        return self._transport.value(PluginLibraryAnswer, "POST", path, ask, repeatable=False)

    def publish_plugin_library(self, made: PluginLibraryMade) -> PluginLibraryAnswer:
        """Share a library whose blob is stored; what is there now: whoever was first stays.

        Raises: Conflict: the blob is missing. Forbidden: the lease gives no such key.
        """
        path = f"{self._path}/plugin-libraries"
        return self._transport.value(PluginLibraryAnswer, "POST", path, made, repeatable=False)

    def compiled(self, done: Compiled) -> None:
        """End a build that only compiles. Raises: Conflict: a library is missing."""
        self._say("compiled", done)

    def fail(self, report: FailureReport) -> None:
        """Tell that the work failed, and why."""
        self._say("fail", report)

    def release(self, reason: str) -> None:
        """Give the work back: it is in the queue at once."""
        self._say("release", {"token": self.lease.token, "reason": reason})

    def close(self) -> None:
        """Close the connections of the transfers."""
        self.blobs.close()

    def _say(self, what: str, body: object) -> None:
        self._transport.request("POST", f"{self._path}/{what}", body, repeatable=False)
