"""ONNX Runtime's tool for float16, around which the steps `float16`, `bfloat16` and `mixed` are written.

The tool knows values by their names alone, and puts all of its casts at the end of the outermost graph, also those of
values inside of branches. Here names are made its own before it, and casts are brought home after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .casts import bring_home, drop_repeated
from .foreign import foreign
from .sort import sort
from .walk import graphs, qualified

if TYPE_CHECKING:
    from onnx import ModelProto


def narrow(model: ModelProto, wide_kinds: Iterable[str] = (), wide_names: Iterable[str] = ()) -> ModelProto:
    """The model with float16 for float32; its inputs and outputs keep their types.

    Args:
        model: Its names must be `names.distinguish`ed; it is changed.
        wide_kinds: Operators that stay float32 with all that is inside of them, beside those without a float16 form
            and those of plugins, which may have none.
        wide_names: Names of further ones.

    Raises: ValueError: nothing tells the type of what the operator of a plugin gives.
    """
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    converted: ModelProto = convert_float_to_float16(
        model,
        keep_io_types=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *wide_kinds],
        node_block_list=sorted({*wide_names, *_of_plugins(model)}),
    )
    bring_home(converted.graph)
    drop_repeated(converted.graph)
    sort(converted.graph)
    return converted


def _of_plugins(model: ModelProto) -> set[str]:
    """The names of the operators of plugins, all of whose outputs have a known type."""
    values = (value for graph in graphs(model.graph) for value in (*graph.output, *graph.value_info))
    told = {value.name for value in values if value.type.tensor_type.elem_type}
    theirs = [operator for graph in graphs(model.graph) for operator in graph.node if foreign(operator)]
    for operator in theirs:
        untold = [name for name in operator.output if name and name not in told]
        if untold:
            raise ValueError(
                f"nothing tells the element type of {untold[0]!r}, which {qualified(operator)} gives; "
                f"export the model with the types of its values, or bring a NumPy twin of the operator"
            )
    return {operator.name for operator in theirs}
