"""What trtexec says of a graph that its parser refuses. The lines of 11.1 are those of NVIDIA's program and parser."""

from __future__ import annotations

from farm.backends.tensorrt.advice import advice
from worker.device.builders.trtexec.complaint import complaint

ODD = (
    'ModelImporter.cpp:140: While parsing node number 1 [Odd -> "y"]:',
    "ModelImporter.cpp:142: --- Begin node ---\nNode name: odd",
    "ModelImporter.cpp:143: --- End node ---",
    "ModelImporter.cpp:151: ERROR: onnxOpCheckers.cpp:998 In function checkFallbackPluginImporter:\n"
    '[6] creator && "Plugin not found, are the plugin name, version, and namespace correct?"',
    "Failed to parse onnx file",
    "Parsing model failed",
    "Failed to create engine from model or file.",
    "Engine set up failed",
)
GARBAGE = (
    "Error[2]: (deserializeOnnxModel): MODEL_DESERIALIZE_FAILED: Assertion failed: "
    "model->ParseFromCodedStream(&codedInput): Failed to parse the ONNX model.",
    "Failed to parse onnx file",
    "Parsing model failed",
)


def test_the_operator_is_found() -> None:
    found = complaint(ODD)
    assert found is not None
    assert (found.node, found.function, found.readable) == (1, "checkFallbackPluginImporter", True)
    assert found.text.startswith("[6] creator")


def test_a_file_that_is_no_model_is_told_apart() -> None:
    found = complaint(GARBAGE)
    assert found is not None
    assert not found.readable
    assert found.text == GARBAGE[0]


def test_what_fails_later_is_no_complaint_of_the_parser() -> None:
    assert complaint(("Error Code 2: OutOfMemory", "Engine could not be created from network")) is None
    assert complaint(()) is None


def test_a_library_that_does_not_open_has_an_advice() -> None:
    said = "Uncaught exception detected: Unable to open library: libnvinfer_plugin.so.11 due to libnvinfer_plugin.so.11"
    assert "does not find its own libnvinfer_plugin.so.11" in advice([said])
