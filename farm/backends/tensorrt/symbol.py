"""A name of TensorRT's Python API, and the versions that have it.

A builder or a runtime touches a name of TensorRT only if a table here holds it and its version has it; nobody finds a
version out by catching an AttributeError. `tests/farm/backends/tensorrt/bindings` holds the tables against NVIDIA's
bindings. Numbers of enumerators change from version to version: use their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

Version = Tuple[int, ...]
OLDEST: Version = (8, 5)
# From here on precision lies in the graph, and everything is gone that told a builder which one to choose.
TYPED: Version = (11, 0)


@dataclass(frozen=True)
class Symbol:
    """A class, enumerator, property or method.

    Attributes:
        since: First version that has it. TensorRT for RTX is counted by the TensorRT whose API it has.
        gone: First later version that has it no more.
        takes: Names of a method's parameters; None where it is none, or where its binding writes no signature.
        writable: It is a property that can be set.
        tensorrt: TensorRT itself has it.
        rtx: TensorRT for RTX has it.
    """

    since: Version = OLDEST
    gone: Optional[Version] = None
    takes: Optional[Tuple[str, ...]] = None
    writable: bool = False
    tensorrt: bool = True
    rtx: bool = True

    def exists(self, api: Version, rtx: bool) -> bool:
        """The product with this API has it."""
        return (self.rtx if rtx else self.tensorrt) and self.since <= api and (self.gone is None or api < self.gone)


ONLY_RTX = Symbol(tensorrt=False)


def since(*version: int, rtx: bool = True) -> Symbol:
    """Something that begins with a version."""
    return Symbol(version, rtx=rtx)


def call(*takes: str, since: Version = OLDEST, gone: Optional[Version] = None, rtx: bool = True) -> Symbol:
    """A method or function with parameters of these names."""
    return Symbol(since, gone, takes, rtx=rtx)


def settable(since: Version = OLDEST, gone: Optional[Version] = None, rtx: bool = True) -> Symbol:
    """A property that can be set."""
    return Symbol(since, gone, writable=True, rtx=rtx)


def words(*names: str, since: Version = OLDEST, gone: Optional[Version] = None, rtx: bool = True) -> Dict[str, Symbol]:
    """Enumerators or read-only properties of one age."""
    return {name: Symbol(since, gone, rtx=rtx) for name in names}
