"""The timing caches of the fleet: one for each class of device and TensorRT."""

from __future__ import annotations

from typing import Optional, Tuple

from farm.protocol.timing import TimingCacheView

from .transport import Transport, segment


class TimingCaches:
    """What builds are given of each other's timings. Changing them needs `admin`; `NotFound` for an unknown id."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Tuple[TimingCacheView, ...]:
        """Every cache."""
        return self._transport.values(TimingCacheView, "timing_caches", "/timing-caches")

    def show(self, cache: str) -> TimingCacheView:
        """One cache with its states that are still stored."""
        return self._transport.value(TimingCacheView, "GET", _where(cache))

    def certify(self, cache: str, sha256: Optional[str] = None) -> TimingCacheView:
        """Pin a state, by default the newest, for builds with the timing cache `certified`.

        Raises: Conflict: there is no such state.
        """
        body = {"sha256": sha256}
        return self._transport.value(TimingCacheView, "POST", _where(cache) + "/certify", body, repeatable=True)

    def uncertify(self, cache: str) -> TimingCacheView:
        """Let no state be certified."""
        return self._transport.value(TimingCacheView, "POST", _where(cache) + "/uncertify", repeatable=True)

    def drop(self, cache: str) -> TimingCacheView:
        """Let the next build begin empty; what is certified stays."""
        return self._transport.value(TimingCacheView, "DELETE", _where(cache))


def _where(cache: str) -> str:
    return f"/timing-caches/{segment(cache)}"
