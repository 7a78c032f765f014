"""The schema. Times are seconds since the epoch on the coordinator's clock; protocol values are canonical JSON."""

from __future__ import annotations

from .schema.base import metadata
from .schema.campaigns import campaign, campaign_item, campaign_submission
from .schema.engines import benchmark, engine, engine_blob, verification
from .schema.fleet import device, device_target, target_word, token
from .schema.models import blob, model, preparation, tag
from .schema.plugins import plugin, plugin_library, plugin_operators, plugin_source
from .schema.timing_caches import timing_cache, timing_cache_version
from .schema.work import attempt, build, event, request, submission

__all__ = [
    "attempt",
    "benchmark",
    "blob",
    "build",
    "campaign",
    "campaign_item",
    "campaign_submission",
    "device",
    "device_target",
    "engine",
    "engine_blob",
    "event",
    "metadata",
    "model",
    "plugin",
    "plugin_library",
    "plugin_operators",
    "plugin_source",
    "preparation",
    "request",
    "submission",
    "tag",
    "target_word",
    "timing_cache",
    "timing_cache_version",
    "token",
    "verification",
]
