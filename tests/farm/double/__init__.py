"""A coordinator's half of docs/protocol.md on loopback, in memory: what a client can see of it, and faults on demand.

Standard library only, because the client's tests run on the oldest interpreter too. What a real coordinator decides
is decided here by the target word: `cpu` becomes done, `broken` failed, `wrong` quarantined, `offline` is refused.
"""

from __future__ import annotations

from . import blob_routes, fleet_routes, work_routes
from .serving import served
from .state import TOKEN, Double

__all__ = ["TOKEN", "Double", "blob_routes", "fleet_routes", "served", "work_routes"]
