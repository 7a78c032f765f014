from __future__ import annotations

import pytest
from onnx import helper

from worker.host.diagnose.origin import origin

TRACE = """File "/home/me/net.py", line 12, in forward
    return self.head(x)
File "/home/me/head.py", line 40, in forward
    return self.linear(x)"""
HEAD = {
    "pkg.torch.onnx.name_scopes": "['', 'head', 'head.linear', 'linear_1']",
    "pkg.torch.onnx.class_hierarchy": "['net.Net', 'net.Head', 'torch.nn.Linear', 'aten.linear.default']",
    "pkg.torch.onnx.stack_trace": TRACE,
}


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("node_linear_1", HEAD, "head.linear (torch.nn.Linear), /home/me/head.py:40"),
        ("/encoder/layers.0/self_attn/MatMul_1", {}, "encoder.layers.0.self_attn"),
        ("MatMul_1", {}, ""),
        ("n", {"namespace": ": net.Net/head: net.Head/linear_1: aten.linear.default"}, "head"),
        ("n", {"pkg.torch.onnx.name_scopes": "['', 'add']"}, ""),
        ("n", {"pkg.torch.onnx.name_scopes": "[broken"}, ""),
    ],
)
def test_what_an_exporter_wrote_is_read(name: str, told: dict[str, str], expected: str) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name)
    for key, value in told.items():
        node.metadata_props.add(key=key, value=value)
    assert origin(node) == expected
