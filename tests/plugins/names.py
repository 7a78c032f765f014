"""Which plugins there are: those that `plugins/CMakeLists.txt` lists."""

from __future__ import annotations

import re

from .compiling import PLUGINS


def listed() -> list[str]:
    """The names of their folders, in the order of the list."""
    found = re.search(r"set\(FARM_PLUGINS([^)]*)\)", (PLUGINS / "CMakeLists.txt").read_text())
    assert found is not None, "plugins/CMakeLists.txt has no list FARM_PLUGINS"
    return found.group(1).split()
