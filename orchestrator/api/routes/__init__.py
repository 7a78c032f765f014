"""The endpoints of docs/protocol.md, a module for each of its tables."""

from __future__ import annotations

from . import administration, fleet, workers

GROUPS = (fleet.endpoints, workers.endpoints, administration.endpoints)
