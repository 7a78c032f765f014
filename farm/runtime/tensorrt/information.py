"""What TensorRT tells of the layers of an engine it has loaded, without running it."""

from __future__ import annotations

import json
import logging
import re
from typing import Any, Dict, List, Mapping, Sequence, Tuple

log = logging.getLogger(__name__)

# As versions spell types: within a sentence about the format up to 10, in a field of their own from 11 on.
_TYPE = re.compile(
    r"\b(FP32|FP16|BF16|FP8|INT8|INT4|FP4|INT64|INT32|UINT8|BOOL|Float|Half|Int8|Int32|Int64|Bool)\b", re.I
)
_SHORT = {"float": "fp32", "half": "fp16"}


def layer_information(trt: Any, engine: Any) -> Tuple[Dict[str, Any], ...]:
    """The layers in the order in which they run: `name`, `operator`, `types`, `tactic`, and `details` as they came.

    An engine that was built without the names of its layers tells little, or nothing.
    """
    inspector = engine.create_engine_inspector()
    return inspected(inspector.get_engine_information(trt.LayerInformationFormat.JSON) if inspector is not None else "")


def inspected(text: str) -> Tuple[Dict[str, Any], ...]:
    """The layers in what TensorRT's inspector says of an engine, as `layer_information` gives them."""
    try:
        # Names come from a graph, and may hold anything.
        told = json.loads(text, strict=False) if text else {}
    except ValueError as error:
        log.warning("what TensorRT tells of the layers cannot be read: %s", error)
        return ()
    layers = told.get("Layers") if isinstance(told, dict) else None
    return tuple(_layer(item) for item in layers or ())


def _layer(told: Any) -> Dict[str, Any]:
    if not isinstance(told, dict):
        return {"name": str(told), "operator": "", "types": "", "tactic": "", "details": {}}
    return {
        "name": str(told.get("Name", "")),
        # What it computes, where that is told; else the kind of its implementation.
        "operator": str(told.get("ParameterType") or told.get("LayerType") or ""),
        "types": types_text(_types(told.get("Inputs")), _types(told.get("Outputs"))),
        "tactic": str(told.get("TacticName") or ""),
        "details": told,
    }


def types_text(inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """Such as `fp16`, or `fp32 to fp16` where a layer converts; of names in any spelling of TensorRT."""
    before, after = (", ".join(dict.fromkeys(map(_short, types))) for types in (inputs, outputs))
    return after if before == after or not before else f"{before} to {after}"


def _types(tensors: Any) -> List[str]:
    found = []
    for tensor in tensors if isinstance(tensors, list) else ():
        named = isinstance(tensor, Mapping) and (tensor.get("Datatype") or tensor.get("Format/Datatype"))
        match = _TYPE.search(str(named)) if named else None
        if match:
            found.append(match.group(1))
    return found


def _short(word: str) -> str:
    return _SHORT.get(word.lower(), word.lower())
