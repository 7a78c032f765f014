"""What the engine inspector tells, in the forms of several versions; real engines are asked in `tests/gpu`."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from farm.runtime.tensorrt.information import layer_information, types_text

_FP16 = "Channel major FP16 format where channel % 8 == 0"
OLD: dict[str, Any] = {
    "Layers": [
        {
            "Name": "conv1 + relu1",
            "LayerType": "CaskConvolution",
            "Inputs": [{"Name": "x", "Dimensions": [1, 8, 4, 4], "Format/Datatype": "Row major linear FP32"}],
            "Outputs": [{"Name": "y", "Dimensions": [1, 8, 4, 4], "Format/Datatype": _FP16}],
            "ParameterType": "Convolution",
            "TacticName": "sm80_xmma_fprop_implicit_gemm_f16f16",
        },
        {"Name": "copy", "LayerType": "NoOp", "Inputs": [], "Outputs": [], "TacticValue": "0x0"},
    ],
    "Bindings": ["x", "y"],
}
NEW = {
    "Layers": [
        {
            "Name": "mean",
            "LayerType": "kgen",
            "Inputs": [{"Name": "x", "Format": "Linear", "Datatype": "Half"}],
            "Outputs": [{"Name": "y", "Format": "Linear", "Datatype": "Half"}],
            "TacticName": "__myl_Mean",
        }
    ],
    "I/O Tensors": ["x", "y"],
}


def told(text: Any) -> Any:
    inspector = SimpleNamespace(get_engine_information=lambda form: text if form == "json" else "")
    engine = SimpleNamespace(create_engine_inspector=lambda: inspector)
    return layer_information(SimpleNamespace(LayerInformationFormat=SimpleNamespace(JSON="json")), engine)


def test_the_form_of_8_and_10() -> None:
    conv, copy = told(json.dumps(OLD))
    assert (conv["name"], conv["operator"], conv["types"]) == ("conv1 + relu1", "Convolution", "fp32 to fp16")
    assert conv["tactic"] == "sm80_xmma_fprop_implicit_gemm_f16f16"
    assert conv["details"] == OLD["Layers"][0]
    assert (copy["operator"], copy["types"], copy["tactic"]) == ("NoOp", "", "")


def test_the_form_of_11() -> None:
    (mean,) = told(json.dumps(NEW))
    assert (mean["operator"], mean["types"], mean["tactic"]) == ("kgen", "fp16", "__myl_Mean")


def test_names_alone_where_the_engine_was_built_with_no_more() -> None:
    (only,) = told('{"Layers": ["conv\t1"], "Bindings": []}')
    assert (only["name"], only["details"]) == ("conv\t1", {})


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"Layers": null}'])
def test_what_tells_nothing_is_no_error(text: str) -> None:
    assert told(text) == ()


def test_no_inspector_tells_nothing() -> None:
    engine = SimpleNamespace(create_engine_inspector=lambda: None)
    assert layer_information(SimpleNamespace(), engine) == ()


def test_types_are_told_once() -> None:
    assert types_text(["fp16", "fp16"], ["fp16"]) == "fp16"
    assert types_text(["int64", "fp16"], ["fp16"]) == "int64, fp16 to fp16"
    assert types_text([], ["int32"]) == "int32"
