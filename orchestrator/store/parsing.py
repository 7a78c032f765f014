"""Values out of columns, parsed once: rows of a fleet repeat the same few texts in every query."""

from __future__ import annotations

import json
from functools import lru_cache

from farm.protocol.codec import loads
from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import PreparationKey, RequestKey
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.plugins import PluginManifest, PluginSource
from farm.protocol.requirement import EngineRequirement
from farm.protocol.states import Role
from farm.protocol.target import BuildTarget
from farm.protocol.work import Prepared


@lru_cache(maxsize=4096)
def facts_of(text: str) -> DeviceFacts:
    """The facts in a column."""
    return loads(DeviceFacts, text)


@lru_cache(maxsize=4096)
def target_of(text: str) -> BuildTarget:
    """The target in a column."""
    return loads(BuildTarget, text)


@lru_cache(maxsize=1024)
def names_of(text: str) -> tuple[str, ...]:
    """The JSON list of names in a column."""
    return tuple(json.loads(text))


@lru_cache(maxsize=64)
def roles_of(text: str) -> tuple[Role, ...]:
    """The JSON list of roles in a column."""
    return tuple(Role(role) for role in json.loads(text))


def benchmark_of(ask: str) -> BenchmarkPolicy:
    """The benchmark policy of a SubmitAsk in a column, of which nothing else is read."""
    return _benchmark(json.dumps(json.loads(ask).get("benchmark", {})))


@lru_cache(maxsize=512)
def _benchmark(text: str) -> BenchmarkPolicy:
    return loads(BenchmarkPolicy, text)


@lru_cache(maxsize=512)
def requirement_of(text: str) -> EngineRequirement:
    """The requirement in a column."""
    return loads(EngineRequirement, text)


@lru_cache(maxsize=512)
def key_of(text: str) -> RequestKey:
    """The request key in a column."""
    return loads(RequestKey, text)


@lru_cache(maxsize=512)
def prepared_of(text: str) -> Prepared:
    """The prepared graph in a column."""
    return loads(Prepared, text)


@lru_cache(maxsize=512)
def preparation_key_of(text: str) -> PreparationKey:
    """The preparation key in a column."""
    return loads(PreparationKey, text)


@lru_cache(maxsize=256)
def plugin_manifest_of(text: str) -> PluginManifest:
    """What a plugin says of itself, in a column."""
    return loads(PluginManifest, text)


@lru_cache(maxsize=256)
def plugin_source_of(text: str) -> PluginSource:
    """The source in a column."""
    return loads(PluginSource, text)
