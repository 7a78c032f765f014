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

# To a multiple of eight, which float16 products take.
_PADDING = 8
_SMALLER = 64
# Of scores in bytes; less stays in the cache of any card.
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


def rows(model: Model) -> Model:
    """Softmax over rows of a matrix in place of the last of four axes."""
    shapes = {value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in _values(model)}
    for number, item in enumerate(attentions(model)):
        shape = shapes.get(item.scores.output[0])
        if shape:
            stem = f"rows_{number}"
            _constants(model, {f"{stem}/flat": [-1, shape[-1]], f"{stem}/shape": shape})
            model.graph.node.extend(
                [
                    helper.make_node("Reshape", [item.scores.output[0], f"{stem}/flat"], [f"{stem}/scores"]),
                    helper.make_node("Softmax", [f"{stem}/scores"], [f"{stem}/shares"], axis=1),
                    helper.make_node("Reshape", [f"{stem}/shares", f"{stem}/shape"], [f"{stem}/shaped"]),
                ]
            )
            item.mixed.input[0] = f"{stem}/shaped"
    return _finished(model)


def exps(model: Model) -> Model:
    """Softmax of many scores as exponentials whose sums come out of the product with the values, beside them.

    After the step `convolutions`: the values get a column of ones, so that the product gives the sum of each row, too.
    Values and ones are made smaller alike, since sums of thousands must fit into float16.
    """
    shapes = {value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim] for value in _values(model)}
    for number, item in enumerate(attentions(model)):
        shape = shapes.get(item.scores.output[0])
        if shape and np.prod(shape) * 2 >= _LARGE:
            _exponentials(model, item, f"exps_{number}")
    return _finished(model)


def _exponentials(model: Model, item: Attention, stem: str) -> None:
    # What is not as PyTorch exports it ends the trial.
    wiring: Any = Wiring(model.graph)
    given = wiring.giver(wiring.giver(item.sources[2]).input[0])
    moved = wiring.only_reader(item.mixed.output[0])
    taken = wiring.only_reader(wiring.only_reader(moved.output[0]).output[0])
    after = wiring.only_reader(taken.output[0])
    assert given.op_type == "Conv", given.op_type
    assert after.op_type == "Conv", after.op_type
    heads, depth, wide = item.heads, item.depth, item.depth + _PADDING
    width = heads * wide
    weight, bias = (wiring.constant(name) for name in given.input[1:])
    _weights(
        model,
        {
            f"{stem}/v": _widened(weight.reshape(heads, depth, -1) / _SMALLER, 0.0).reshape(width, -1, 1, 1),
            f"{stem}/v_bias": _widened(bias.reshape(heads, depth, 1) / _SMALLER, 1 / _SMALLER).reshape(width),
            f"{stem}/sum": np.eye(wide, dtype=np.float32)[:, depth : depth + 1],
            f"{stem}/out": _widened(wiring.constant(after.input[1]).T.reshape(heads, depth, -1), 0.0)
            .reshape(width, -1)
            .T[:, :, None, None],
        },
    )
    _constants(model, {f"{stem}/split": [1, -1, heads, wide], f"{stem}/pixels": [-1, width, 1, 1]})
    after.input[0], after.input[1] = f"{stem}/taken", f"{stem}/out"
    model.graph.node.extend(
        [
            helper.make_node("Conv", [given.input[0], f"{stem}/v", f"{stem}/v_bias"], [f"{stem}/values"]),
            helper.make_node("Reshape", [f"{stem}/values", f"{stem}/split"], [f"{stem}/by_head"]),
            helper.make_node("Transpose", [f"{stem}/by_head"], [f"{stem}/heads"], perm=[0, 2, 1, 3]),
            helper.make_node("ReduceMax", item.scores.output, [f"{stem}/largest"], axes=[-1], keepdims=1),
            helper.make_node("Sub", [item.scores.output[0], f"{stem}/largest"], [f"{stem}/below"]),
            helper.make_node("Exp", [f"{stem}/below"], [f"{stem}/shares"]),
            helper.make_node("MatMul", [f"{stem}/shares", f"{stem}/heads"], [f"{stem}/mixed"]),
            helper.make_node("MatMul", [f"{stem}/mixed", f"{stem}/sum"], [f"{stem}/sums"]),
            helper.make_node("Div", [f"{stem}/mixed", f"{stem}/sums"], [f"{stem}/divided"]),
            helper.make_node("Transpose", [f"{stem}/divided"], [f"{stem}/joined"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"{stem}/joined", f"{stem}/pixels"], [f"{stem}/taken"]),
        ]
    )


def _widened(array: Any, first: float) -> Any:
    """More rows for each head: one of a number, the others of zeros."""
    heads, _, columns = array.shape
    more = np.zeros((heads, _PADDING, columns), np.float32)
    more[:, 0] = first
    return np.concatenate([array, more], axis=1).astype(np.float32)


def _weights(model: Model, arrays: dict[str, Any]) -> None:
    model.graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in arrays.items()
    )


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
