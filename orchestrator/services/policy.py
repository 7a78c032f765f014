"""The numbers that decisions are made with; `orchestrator.settings` may change them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """How long things may take, and how often they are tried.

    Attributes:
        lease_ttl_s: A lease that nobody beats for so long goes back to the queue.
        attempt_cap: Work that lost so many leases fails.
        rest_after: A device that lost so many leases in a row rests.
        rest_s: For so long.
        poll_s: How often an idle worker claims without being woken.
        heartbeat_s: How often a device tells that it lives.
        late_s, gone_s: Silence after which a device is late, then gone.
        rewake_s: Queued work that was not woken for so long is woken again.
        build_deadline_s: A child is killed after so long.
        keep_engines: Engines of one name and target that garbage collection keeps, newest first.
        keep_s: Age below which nothing is collected.
        timing_cache_bytes: A timing cache that grew beyond it is not taken.
    """

    lease_ttl_s: float = 60.0
    attempt_cap: int = 5
    rest_after: int = 3
    rest_s: float = 300.0
    poll_s: float = 30.0
    heartbeat_s: float = 15.0
    late_s: float = 45.0
    gone_s: float = 180.0
    rewake_s: float = 30.0
    build_deadline_s: float = 6 * 3600.0
    keep_engines: int = 3
    keep_s: float = 24 * 3600.0
    timing_cache_bytes: int = 256 << 20
