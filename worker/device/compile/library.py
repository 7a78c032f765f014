"""Looks into a compiled library before anybody loads it: code for the card, exported functions, what it needs."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

from farm.backends.tensorrt.capabilities import Loading, TensorRtCapabilities
from farm.protocol.errors import BuildFailed

from .fatbin import SECTION, DeviceCode, device_code

# What any library may need, and what one of TensorRT does besides.
_ANY = re.compile(r"(ld-linux[\w-]*|libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|libcudart)\.so(\.\d+)*")
_NVINFER = re.compile(r"libnvinfer\.so\.(\d+)")
_SECTION = re.compile(r"\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+([0-9a-f]+)\s+([0-9a-f]+)\s")
_NEEDED = re.compile(r"\(NEEDED\).*\[(.+)\]")
# A symbol that no library was linked for has no type.
_SYMBOL = re.compile(
    r"^\s*\d+:\s+[0-9a-f]+\s+\S+\s+(?:FUNC|NOTYPE)\s+GLOBAL\s+DEFAULT\s+(\S+)\s+([^@\s]+)", re.MULTILINE
)
_FINDER = "setLoggerFinder"
_REGISTRY = "getPluginRegistry"
_HINT = "Compare the plugin with one that farm plugin new makes."


@dataclass(frozen=True)
class Inspected:
    """What is inside a library.

    Attributes:
        code: For which cards.
        exported: Functions that others may call.
        needed: Libraries that it is loaded with.
    """

    code: DeviceCode
    exported: Tuple[str, ...]
    needed: Tuple[str, ...]
    undefined: Tuple[str, ...] = ()

    def told(self) -> Dict[str, Any]:
        """For the record."""
        code = {"machine_code": list(self.code.machine), "ptx": list(self.code.ptx)}
        return {**code, "exported": list(self.exported), "needed": list(self.needed)}


def inspect(path: Path) -> Inspected:
    """What is inside. Raises: BuildFailed: it is no library, or there is no readelf."""
    words = ("env", "LC_ALL=C", "readelf", "--wide", "--section-headers", "--dynamic", "--dyn-syms", str(path))
    try:
        said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise BuildFailed(f"{path.name} is no library", "The log of the attempt has what the linker said.") from error
    text = said.decode("utf-8", "replace")
    symbols = _SYMBOL.findall(text)
    places = {name: (int(offset, 16), int(size, 16)) for name, offset, size in _SECTION.findall(text)}
    return Inspected(
        code=device_code(_content(path, *places.get(SECTION, (0, 0)))),
        # `_Z…` are the insides of C++, which nobody looks up by name.
        exported=tuple(sorted({name for place, name in symbols if place != "UND" and not name.startswith("_")})),
        needed=tuple(_NEEDED.findall(text)),
        undefined=tuple(sorted({name for place, name in symbols if place == "UND"})),
    )


def check_library(found: Inspected, name: str, cards: Tuple[str, ...], can: TensorRtCapabilities) -> None:
    """The library can be loaded by this TensorRT and computes on these cards.

    Raises: BuildFailed: the first of what is wrong with it.
    """
    for problem in _problems(found, cards, can):
        raise BuildFailed(
            f"{name} was compiled, but {problem}", "Compare the plugin with one that `farm plugin new` makes."
        )


def _problems(found: Inspected, cards: Tuple[str, ...], can: TensorRtCapabilities) -> Iterator[str]:
    missing = [card for card in cards if card not in found.code.machine]
    if missing:
        there = ", ".join(found.code.machine) or "no card"
        yield f"it has no code for compute capability {', '.join(missing)}: it has code for {there}"
    if can.plugin_loading is Loading.REGISTRY:
        creators = "getCreators" if can.api >= (10, 0) else "getPluginCreators"
        for function in (creators, _FINDER):
            if function not in found.exported:
                yield f"it does not export {function}, by which {can.name} finds its creators"
    elif _REGISTRY not in found.undefined:
        yield f"it does not register its creators, as {can.name} needs it: nothing in it calls {_REGISTRY}"
    for needed in found.needed:
        own = _NVINFER.fullmatch(needed)
        if not _ANY.fullmatch(needed) and not (own and int(own.group(1)) == can.api[0] and not can.rtx):
            yield f"it needs {needed}, which an engine does not bring"


def _content(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)
