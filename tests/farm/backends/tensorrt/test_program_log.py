"""Lines of trtexec as messages. The lines are those that trtexec 8.5.3 and its TensorRT write."""

from __future__ import annotations

from typing import List, Tuple

from farm.backends.tensorrt.program_log import ProgramLog


def messages(text: str) -> List[Tuple[str, str]]:
    found: List[Tuple[str, str]] = []
    log = ProgramLog(lambda severity, message: found.append((severity, message)))
    for line in text.splitlines():
        log.hear(line)
    log.end()
    return found


def test_a_line_has_a_severity_and_a_text() -> None:
    assert messages(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8503] # trtexec --onnx=m.onnx\n"
        "[11/21/2026-11:42:48] [I] === Model Options ===\n"
        "[11/21/2026-11:42:48] [V] [TRT] Applying generic optimizations to the graph for inference.\n"
        "[11/21/2026-11:42:49] [W] [TRT] Your ONNX model has been generated with INT64 weights\n"
    ) == [
        ("INFO", "=== Model Options ==="),
        ("VERBOSE", "Applying generic optimizations to the graph for inference."),
        ("WARNING", "Your ONNX model has been generated with INT64 weights"),
    ]


def test_a_message_of_several_lines_is_one() -> None:
    assert messages(
        "[11/21/2026-11:42:49] [E] [TRT] ModelImporter.cpp:746: ERROR: builtin_op_importers.cpp:5365 In function x:\n"
        "[8] Assertion failed: creator\n"
        "[11/21/2026-11:42:49] [E] Failed to parse onnx file\n"
        "&&&& FAILED TensorRT.trtexec [TensorRT v8503] # trtexec\n"
        "not part of anything\n"
    ) == [
        (
            "ERROR",
            "ModelImporter.cpp:746: ERROR: builtin_op_importers.cpp:5365 In function x:\n[8] Assertion failed: creator",
        ),
        ("ERROR", "Failed to parse onnx file"),
    ]


def test_what_it_writes_before_it_aborts_is_an_error() -> None:
    assert messages(
        "[11/21/2026-11:42:48] [I] Export profile to JSON file: \n"
        "[11/21/2026-11:42:48] [I] \n"
        "Cuda failure: CUDA driver version is insufficient for CUDA runtime version\n"
    )[-1] == ("ERROR", "Cuda failure: CUDA driver version is insufficient for CUDA runtime version")
    assert messages("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n") == [
        ("ERROR", "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc")
    ]


def test_the_options_of_a_help_belong_to_no_message() -> None:
    text = "[11/21/2026-11:42:48] [E] Unknown option: --no such\n=== Model Options ===\n  --onnx=<file>  ONNX model\n"
    assert messages(text) == [("ERROR", "Unknown option: --no such")]
