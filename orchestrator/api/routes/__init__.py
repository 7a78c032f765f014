"""The endpoints of docs/protocol.md, a module for each of its tables."""

from __future__ import annotations

from . import administration, builds, campaigns, catalog, fleet, following, plugins, submissions, timing_caches, workers

GROUPS = (
    submissions.endpoints,
    builds.endpoints,
    following.endpoints,
    campaigns.endpoints,
    catalog.endpoints,
    fleet.endpoints,
    workers.endpoints,
    timing_caches.endpoints,
    plugins.endpoints,
    administration.endpoints,
)
