"""Plugins: sources by content, what they are compiled for, and the libraries that devices of one trust group share.

A plugin is a folder with a `plugin.toml`. Its *source* is the list of its files with what all plugins share. A library
is made of a source under a *plugin key*, which every device computes alike, and which the coordinator computes again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from .codec import digest
from .errors import Invalid
from .model import FileRef
from .target import BuildTarget

MANIFEST_NAME = "plugin.toml"
COMMON_FOLDER = "common"
# In an engine, and in `input/` of a build where a library is there already.
LIBRARY_FOLDER = "plugins"
DEFAULT_TRUST_GROUP = "default"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
# The tools whose versions change a library; CMake only calls them.
_COMPILERS = ("nvcc", "cxx")
_SAME_LIBRARIES = {"trtexec": "tensorrt"}


@dataclass(frozen=True)
class PluginTensor:
    """An input or output of an operator.

    Attributes:
        ranks: How many axes it may have; empty means any number.
        dtypes: ONNX element types such as `float16`; of an output `same` means those of the first input.
        shape: What must hold of its shape, for people.
    """

    name: str
    dtypes: Tuple[str, ...]
    ranks: Tuple[int, ...] = ()
    shape: str = ""
    optional: bool = False


@dataclass(frozen=True)
class PluginAttribute:
    """An attribute of an operator.

    Attributes:
        type: `int`, `float`, `string`, `ints` or `floats`.
        default: What an absent one means; None where it must be there.
        allowed: What it may be, for people.
    """

    name: str
    type: str
    default: Any = None
    allowed: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class PluginManifest:
    """What `plugin.toml` says.

    Attributes:
        name: Of the folder, the library and in request keys.
        version: Of its creators.
        operators: Names of its creators, which are the operators of models that it computes; domains do not count.
        minimum_tensorrt: Such as `8.5`.
        tolerance: Element type to how far its results may be from the reference.
    """

    name: str
    version: str
    purpose: str
    operators: Tuple[str, ...]
    inputs: Tuple[PluginTensor, ...] = ()
    outputs: Tuple[PluginTensor, ...] = ()
    attributes: Tuple[PluginAttribute, ...] = ()
    minimum_tensorrt: str = "8.5"
    tolerance: Dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PluginSource:
    """The sources that a library is compiled from. Its digest names it, in request keys too.

    Attributes:
        files: Of the plugin's folder, relative to it, in the order of their names.
        common: What all plugins share, relative to the folder above: `CMakeLists.txt` and `common/...`.
    """

    files: Tuple[FileRef, ...]
    common: Tuple[FileRef, ...] = ()

    @property
    def common_digest(self) -> str:
        """Names what it shares with other plugins."""
        return digest(self.common)

    @property
    def digest(self) -> str:
        """Names the source: its files, and what they share by digest."""
        return digest({"files": self.files, "common": self.common_digest})

    @property
    def blobs(self) -> Tuple[str, ...]:
        """The digest of every file, each once."""
        return tuple(dict.fromkeys(item.sha256 for item in (*self.files, *self.common)))

    def layout(self, name: str) -> Dict[str, str]:
        """Where each file lies when the plugin is called so: relative path to sha256."""
        own = {f"{name}/{item.name}": item.sha256 for item in self.files}
        return {**{item.name: item.sha256 for item in self.common}, **own}


@dataclass(frozen=True)
class PluginWork:
    """A plugin that a build needs: its key has the digest of this source under this name.

    Attributes:
        operators: Creators that the library must bring.
    """

    name: str
    operators: Tuple[str, ...]
    source: PluginSource


@dataclass(frozen=True)
class PluginKey:
    """Names a library before it is compiled: equal keys may share one.

    Attributes:
        source: Digest of the source; `common` is in it, and beside it to be read.
        compute_capabilities: Such as `7.2`; several where an engine is built ahead of time.
        architecture: Of the processor, such as `x86_64`.
        libc: Such as `glibc-2.36`; with the C++ compiler, the ABI.
        backend: `tensorrt` or `tensorrt_rtx`.
        tensorrt: Major and minor version.
        compilers: Versions of `nvcc` and `cxx`.
        flags: What is handed to the compilers besides what `common` says.
    """

    plugin: str
    source: str
    common: str
    compute_capabilities: Tuple[str, ...]
    architecture: str
    libc: str
    backend: str
    tensorrt: str
    cuda: Optional[str]
    compilers: Dict[str, str]
    flags: Tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The key itself."""
        return digest(self)


@dataclass(frozen=True)
class PluginLibraryAsk:
    """Is there a library with this key? Asked within a lease."""

    token: int
    key: PluginKey


@dataclass(frozen=True)
class PluginLibraryMade:
    """A library was compiled within a lease; its blob is stored.

    Attributes:
        compilers: What each tool says of itself, in full.
        inspected: What was found inside it, such as the architectures it has code for.
    """

    token: int
    key: PluginKey
    sha256: str
    size_bytes: int
    compile_s: float
    compilers: Dict[str, str] = field(default_factory=dict)
    inspected: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PluginLibrary:
    """A compiled library, and who compiled it: shared within one target and trust group, and never overwritten."""

    plugin: str
    key: str
    source: str
    sha256: str
    size_bytes: int
    target: str
    trust_group: str
    device: str
    attempt: str
    compile_s: float
    compilers: Dict[str, str]
    created_at: str
    inspected: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PluginLibraryAnswer:
    """The library with the key that was asked for, or that has been published; None where there is none yet."""

    library: Optional[PluginLibrary] = None


@dataclass(frozen=True)
class Compiled:
    """A build that only compiles plugins is complete: the library of each of them is published."""

    token: int
    child_ms: float = 0.0


def check_plugin_name(name: str) -> str:
    """The name, if it can be a folder, a module and a library: lower case, digits and `_`.

    Raises: Invalid
    """
    if not _NAME.fullmatch(name) or name == COMMON_FOLDER:
        raise Invalid(
            f"{name[:80]!r} cannot be the name of a plugin", "Use lower-case letters, digits and _, as in my_op."
        )
    return name


def library_name(plugin: str) -> str:
    """What the library of a plugin is called."""
    return f"libfarm_{plugin}.so"


def plugin_key(
    plugin: str,
    source: PluginSource,
    target: BuildTarget,
    compute_capabilities: Sequence[str],
    toolchain: Mapping[str, str],
    flags: Sequence[str] = (),
) -> PluginKey:
    """The key of the library that a device makes of a source for a target.

    Args:
        plugin: Its name.
        source: Of it.
        target: What the engine is built for.
        compute_capabilities: Those of the target's card; ahead of time, of every card the engine is for.
        toolchain: As in the facts of the device.
        flags: As in `PluginKey`.
    """
    return PluginKey(
        plugin=plugin,
        source=source.digest,
        common=source.common_digest,
        compute_capabilities=tuple(sorted(compute_capabilities)),
        architecture=target.platform.partition("-")[2] or target.platform,
        libc=target.libc,
        backend=_SAME_LIBRARIES.get(target.backend, target.backend),
        tensorrt=".".join(target.backend_version.split(".")[:2]),
        cuda=target.cuda,
        compilers={name: toolchain[name] for name in _COMPILERS if name in toolchain},
        flags=tuple(flags),
    )
