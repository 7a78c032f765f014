from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, inliner

from farm.protocol.errors import Invalid
from worker.host.graph.functions import DEEPEST, check_functions
from worker.host.graph.walk import count

OWN = "own"
OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid(OWN, 1)]


def calling(*bodies: Sequence[str]) -> ModelProto:
    """A model that calls F0; each body names what it calls one after the other, F1 or an operator of ONNX."""
    functions = [
        helper.make_function(OWN, f"F{number}", ["v0"], [f"v{len(body)}"], _chain(body), OPSETS)
        for number, body in enumerate(bodies)
    ]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in ("v0", "v1")]
    graph = helper.make_graph(_chain(["F0"]), "g", value[:1], value[1:])
    return helper.make_model(graph, opset_imports=OPSETS, functions=functions, ir_version=8)


def _chain(called: Sequence[str]) -> list[NodeProto]:
    return [
        helper.make_node(name, [f"v{number}"], [f"v{number + 1}"], domain=OWN if name.startswith("F") else "")
        for number, name in enumerate(called)
    ]


def nested(depth: int, times: int = 1) -> ModelProto:
    return calling(*([f"F{number + 1}"] * times for number in range(depth - 1)), ["Relu"] * times)


def test_functions_that_call_themselves_are_refused_with_the_way() -> None:
    with pytest.raises(Invalid, match="calls itself: own::F0 -> own::F0"):
        check_functions(calling(["F0"]))
    with pytest.raises(Invalid, match=r"own::F1 -> own::F2 -> own::F1|own::F2 -> own::F1 -> own::F2"):
        check_functions(calling(["Relu", "F1"], ["F2"], ["Relu", "F1"]))


def test_a_recursion_inside_a_branch_is_found() -> None:
    model = calling(["Relu"])
    out = [helper.make_tensor_value_info("v1", TensorProto.FLOAT, [4])]
    inner = helper.make_graph(_chain(["F0"]), "branch", [], out)
    model.functions[0].node[0].CopyFrom(helper.make_node("If", ["v0"], ["v1"], then_branch=inner, else_branch=inner))
    with pytest.raises(Invalid, match="calls itself"):
        check_functions(model)


def test_calls_may_be_as_deep_as_onnx_allows() -> None:
    check_functions(nested(DEEPEST))
    with pytest.raises(Invalid, match=f"{DEEPEST + 1} deep, from own::F0 on"):
        check_functions(nested(DEEPEST + 1))


def test_the_size_is_that_of_the_graph_with_all_calls_written_out() -> None:
    model = nested(8, times=3)
    check_functions(model)
    assert count(inliner.inline_local_functions(model)) == 3**8


def test_what_would_take_years_is_refused_at_once() -> None:
    started = time.monotonic()
    with pytest.raises(Invalid, match=r"the model has 2,\d+,\d+,\d+,\d+ operators"):
        check_functions(nested(40, times=2))
    assert time.monotonic() - started < 5


def test_functions_that_nobody_calls_do_not_count() -> None:
    check_functions(calling(["Relu"], *([f"F{number + 1}"] * 2 for number in range(1, 40)), ["Relu"]))
