"""What lists and details show of plugins, and what adds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from .model import FileRef
from .plugins import PluginLibrary, PluginManifest, PluginSource


@dataclass(frozen=True)
class PluginAsk:
    """The sources of one plugin, relative to its folder, whose blobs are stored; `plugin.toml` is among them."""

    files: Tuple[FileRef, ...]


@dataclass(frozen=True)
class PluginView:
    """A plugin as models find it by its operators.

    Attributes:
        source: Digest of its source with what plugins share.
        builtin: It came with farm.
        libraries: How many of this source are stored.
    """

    name: str
    version: str
    purpose: str
    operators: Tuple[str, ...]
    minimum_tensorrt: str
    source: str
    builtin: bool
    updated_at: str
    updated_by: str
    libraries: int = 0


@dataclass(frozen=True)
class PluginDetail:
    """A plugin with everything known about it; its libraries newest first."""

    plugin: PluginView
    manifest: PluginManifest
    source: PluginSource
    libraries: Tuple[PluginLibrary, ...] = ()
