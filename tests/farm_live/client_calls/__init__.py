"""One call of every public method of `FarmClient`, each on a farm that has built the model `net`."""

from __future__ import annotations

from . import campaigns, fleet, plugins, stored, submissions, timing_caches
from .site import CALLS, QUICK, Site

__all__ = ["CALLS", "QUICK", "Site", "campaigns", "fleet", "plugins", "stored", "submissions", "timing_caches"]
