"""Hold a builder that chooses types to those of a mixed graph: as `tensorrt.obey`, with names instead of layers.

The program takes names of layers, and what the parser calls them is in its log alone. So the graph is read once
beforehand, with operators whose names need no quoting, and the program is ended as soon as that is done.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Callable, Dict, FrozenSet, Optional, Tuple

from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.switches import has, switch
from farm.protocol.errors import BuildFailed, Unsupported
from farm.runtime.trtexec.program import Program

from ..base import BuildOrder
from ..tensorrt.obey import float32_tensors

log = logging.getLogger(__name__)

Check = Callable[[Optional[str], Sayings], None]

NAMED_FILE = "named.onnx"
_LAYER = re.compile(r"Registering layer: (?P<layer>\S+) for ONNX node: (?P<node>\S+)$")
_PARSED = re.compile(r"Finish(?:ed)? parsing network model")
# The kernel's limit for one argument.
_LONGEST_ARGUMENT = (128 << 10) - 1


def named(order: BuildOrder) -> Path:
    """The graph of an order with operators called n0, n1 and so on, and its external data beside it."""
    import onnx

    model = onnx.load(str(order.model), load_external_data=False)
    for number, node in enumerate(model.graph.node):
        node.name = f"n{number}"
    for name in order.files[1:]:
        (order.scratch / name).parent.mkdir(parents=True, exist_ok=True)
        (order.scratch / name).symlink_to((order.model.parent / name).absolute())
    path = order.scratch / NAMED_FILE
    onnx.save(model, str(path))
    return path


def held_arguments(here: Program, model: Path, check: Check) -> Tuple[str, ...]:
    """Arguments that keep in float32 what a graph made by `named` computes in float32.

    Args:
        here: The program.
        model: The graph.
        check: Given how the program ended and what it said; raises where that was no success.

    Raises: Unsupported: there are more layers than one argument can name; and what `check` raises.
    """
    some, whole = _float32_operators(model)
    layers = _layers(here, model, check)
    log.info("%d of %d layers are held to float32", sum(node in some for node in layers.values()), len(layers))
    found = []
    for option, operators in (("layerPrecisions", some), ("layerOutputTypes", whole)):
        names = [layer for layer, node in layers.items() if node in operators]
        argument = switch(option, here.can, ",".join(f"{name}:fp32" for name in names))
        if len(argument) > _LONGEST_ARGUMENT:
            raise Unsupported(f"{here.name} cannot be told of {len(names)} layers", "Build with --precision fp16.")
        found += [argument] if names else []
    return tuple(found)


def _float32_operators(model: Path) -> Tuple[FrozenSet[str], FrozenSet[str]]:
    """The operators that give some tensor in float32, and those that give nothing else."""
    import onnx

    floats = float32_tensors(model)
    nodes = onnx.load(str(model), load_external_data=False).graph.node
    some = frozenset(node.name for node in nodes if floats.intersection(node.output))
    whole = frozenset(node.name for node in nodes if node.name in some and floats.issuperset(filter(None, node.output)))
    return some, whole


class _Parsed(Exception):
    pass


def _layers(here: Program, model: Path, check: Check) -> Dict[str, str]:
    """Name of each layer of the parser to the operator it is made of."""
    sayings = Sayings()
    found: Dict[str, str] = {}

    def look(text: str) -> None:
        layer = _LAYER.match(text)
        if layer:
            found[layer["layer"]] = layer["node"]
        elif _PARSED.match(text):
            raise _Parsed

    sayings.watches.append(look)
    arguments = [switch("onnx", here.can, model), switch("verbose", here.can)]
    arguments.append(switch("skipInference" if has("skipInference", here.can) else "buildOnly", here.can))
    try:
        check(here.run(arguments, model.parent, sayings), sayings)
    except _Parsed:
        return found
    raise BuildFailed(f"{here.name} does not say when it has read the graph", "Build with --precision fp16.")
