"""A model: an ONNX file with its external data, named by the digest of its content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Tuple

from .codec import digest
from .errors import Invalid

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")

GRAPH_FILE = "model.onnx"


@dataclass(frozen=True)
class FileRef:
    """A file by content: a relative name with forward slashes, size in bytes and sha256."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class ModelManifest:
    """The files of a model. The graph comes first and is called `model.onnx`; the others are its external data."""

    files: Tuple[FileRef, ...]

    @property
    def digest(self) -> str:
        """The identity of the model: the digest of its manifest."""
        return digest(self)

    @property
    def size_bytes(self) -> int:
        """The sum over all files."""
        return sum(item.size_bytes for item in self.files)


# In the key of a build that only compiles plugins, for no model.
NO_MODEL = ModelManifest(())


def check_digest(text: str) -> str:
    """The text, if it is 64 lowercase hexadecimal digits.

    Raises: Invalid
    """
    if not _SHA256.fullmatch(text):
        raise Invalid(f"{text[:80]!r} is not a sha256", "Give 64 lowercase hexadecimal digits.")
    return text


def check_name(text: str, what: str = "name") -> str:
    """The text, if it may name a model, device, target or token: no path, no blank, at most 128 characters.

    Raises: Invalid
    """
    if not _NAME.fullmatch(text):
        raise Invalid(f"{text[:80]!r} cannot be a {what}", "Use letters, digits and . _ + - only.")
    return text


def check_manifest(manifest: ModelManifest) -> ModelManifest:
    """The manifest, if its names stay inside a folder, differ, and the graph comes first.

    Raises: Invalid
    """
    if not manifest.files or manifest.files[0].name != GRAPH_FILE:
        raise Invalid(f"the first file of a model must be {GRAPH_FILE}")
    names = [item.name for item in manifest.files]
    if len(set(names)) != len(names):
        raise Invalid("two files of the model have the same name")
    for item in manifest.files:
        check_relative(item.name)
        check_digest(item.sha256)
        if item.size_bytes < 0:
            raise Invalid(f"{item.name}: a size cannot be negative")
    return manifest


def check_relative(name: str) -> str:
    """The name, if it is a relative path that stays inside its folder on every system.

    Raises: Invalid
    """
    parts = name.split("/")
    unsafe = "\\" in name or "\x00" in name or ":" in name or len(name) > 512
    if unsafe or any(part in ("", ".", "..") for part in parts):
        raise Invalid(f"{name[:80]!r} leaves the folder of the model", "Keep external data beside the ONNX file.")
    return name
