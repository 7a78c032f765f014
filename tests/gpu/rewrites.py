"""Other ways to write attention, to be tried on a card; what is faster becomes a graph step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from worker.host.graph.sort import sort
from worker.host.graph.wiring import Wiring, drop_unread

Model = Any
Node = Any

_GROUPS = 4
# Of scores; less stays in the cache of any card.
_LARGE = 16 << 20


@dataclass(frozen=True)
class Attention:
    """softmax(q k) v, and the values of N x tokens x width that the three come from."""

    scores: Node
    softmax: Node
    mixed: Node
    sources: tuple[str, str, str]
    heads: int
    depth: int


def attentions(model: Model) -> list[Attention]:
    """All of a graph that are written as PyTorch exports them."""
    wiring = Wiring(model.graph)
    found = (_attention(node, wiring) for node in model.graph.node if node.op_type == "Softmax")
    return [item for item in found if item is not None]


def _attention(softmax: Node, wiring: Wiring) -> Attention | None:
    scores, mixed = wiring.giver(softmax.input[0]), wiring.only_reader(softmax.output[0])
    if scores is None or mixed is None or scores.op_type != "MatMul" or mixed.op_type != "MatMul":
        return None
    sources, shape = [], None
    for name in (*scores.input, mixed.input[1]):
        moved = wiring.giver(name)
        shaped = wiring.giver(moved.input[0]) if moved is not None and moved.op_type == "Transpose" else None
        if shaped is None or shaped.op_type != "Reshape":
            return None
        shape = wiring.constant(shaped.input[1])
        sources.append(shaped.input[0])
    if shape is None or len(shape) != 4:
        return None
    return Attention(scores, softmax, mixed, (sources[0], sources[1], sources[2]), int(shape[2]), int(shape[3]))


def heads(model: Model) -> Model:
    """Queries, keys and values moved by one Transpose, where they come from one Split."""
    for number, item in enumerate(attentions(model)):
        wiring = Wiring(model.graph)
        splits = {id(wiring.giver(name)) for name in item.sources}
        split = wiring.giver(item.sources[0])
        if len(splits) != 1 or split is None or split.op_type != "Split" or len(split.output) != 3:
            continue
        stem = f"heads_{number}"
        order = [list(split.output).index(name) for name in item.sources]
        ones = ["one_q", "one_k", "one_v"]
        _constants(model, {f"{stem}/shape": [0, 0, 3, item.heads, item.depth]})
        _constants(model, {f"{stem}/{place}": np.array(order[index]) for index, place in enumerate(ones)})
        nodes = [
            helper.make_node("Reshape", [split.input[0], f"{stem}/shape"], [f"{stem}/shaped"]),
            helper.make_node("Transpose", [f"{stem}/shaped"], [f"{stem}/moved"], perm=[2, 0, 3, 1, 4]),
            *(
                helper.make_node("Gather", [f"{stem}/moved", f"{stem}/{place}"], [f"{stem}/{place}_out"], axis=0)
                for place in ones
            ),
            helper.make_node("Transpose", [f"{stem}/one_k_out"], [f"{stem}/turned"], perm=[0, 1, 3, 2]),
        ]
        item.scores.input[0], item.scores.input[1] = f"{stem}/one_q_out", f"{stem}/turned"
        item.mixed.input[1] = f"{stem}/one_v_out"
        model.graph.node.extend(nodes)
    return _finished(model)


def chunks(model: Model) -> Model:
    """A few heads at once, so that their scores stay in the cache of the card."""
    shapes = {value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in _values(model)}
    for number, item in enumerate(attentions(model)):
        shape = shapes.get(item.scores.output[0])
        if not shape or np.prod(shape) * 2 < _LARGE or item.heads % _GROUPS:
            continue
        stem = f"chunks_{number}"
        _constants(model, {f"{stem}/sizes": [item.heads // _GROUPS] * _GROUPS})
        parts = {}
        for role, name in (("q", item.scores.input[0]), ("k", item.scores.input[1]), ("v", item.mixed.input[1])):
            parts[role] = [f"{stem}/{role}_{index}" for index in range(_GROUPS)]
            model.graph.node.append(helper.make_node("Split", [name, f"{stem}/sizes"], parts[role], axis=1))
        for index in range(_GROUPS):
            names = [f"{stem}/{part}_{index}" for part in ("scores", "shares", "mixed")]
            model.graph.node.extend(
                [
                    helper.make_node("MatMul", [parts["q"][index], parts["k"][index]], names[:1]),
                    helper.make_node("Softmax", names[:1], names[1:2], axis=-1),
                    helper.make_node("MatMul", [names[1], parts["v"][index]], names[2:]),
                ]
            )
        output = item.mixed.output[0]
        model.graph.node.remove(item.mixed)
        mixed = [f"{stem}/mixed_{index}" for index in range(_GROUPS)]
        model.graph.node.append(helper.make_node("Concat", mixed, [output], axis=1))
    return _finished(model)


def _values(model: Model) -> list[Any]:
    return [*model.graph.input, *model.graph.value_info, *model.graph.output]


def _constants(model: Model, arrays: dict[str, Any]) -> None:
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array, np.int64), name) for name, array in arrays.items()
    )


def _finished(model: Model) -> Model:
    drop_unread(model.graph)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}_rewritten"
    sort(model.graph)
    return model
