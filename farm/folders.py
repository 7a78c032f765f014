"""Folders that the owner of a machine names for tools and headers. Imports nothing, since every command reads them."""

from __future__ import annotations

from typing import Mapping, Tuple

_SEVERAL = "FARM_TOOLCHAIN"
_ONE_EACH = ("TENSORRT_ROOT", "CUDA_HOME", "CUDA_PATH")


def named_folders(environ: Mapping[str, str]) -> Tuple[str, ...]:
    """The folders with `bin` and `include` that an environment names, for `Machine.search`."""
    several = environ.get(_SEVERAL, "").split(":")
    return tuple(folder.rstrip("/") for folder in (*several, *(environ.get(name, "") for name in _ONE_EACH)) if folder)
