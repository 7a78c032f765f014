"""A double of the program trtexec, for what farm does with a process: it is no TensorRT and builds nothing.

Its options are taken as by the program, its lines and files have the program's form, and its engine is a text; a run
gives the values of the first input as every output. What it does wrong is in the file `mode` beside it. That farm's
command lines are right, and that the engines are, is for `tests/gpu`, where the program is NVIDIA's.
"""

from __future__ import annotations

import os
import signal
import stat
import struct
import sys
import time
from pathlib import Path

BANNER = "TensorRT.trtexec [TensorRT v8503] # trtexec"
PLAN = b"a text that stands for a plan\n"
OUT_OF_MEMORY = "Error[2]: [builder.cpp::operator()::1] Error Code 2: OutOfMemory (no further information)"
ODD = (
    'While parsing node number 1 [Odd -> "y"]:',
    "--- Begin node ---",
    'input: "h"\noutput: "y"\nop_type: "Odd"\n',
    "--- End node ---",
    "ERROR: builtin_op_importers.cpp:5365 In function importFallbackPluginImporter:\n[8] Assertion failed: "
    'creator && "Plugin not found, are the plugin name, version, and namespace correct?"',
)


def install(folder: Path, mode: str = "") -> Path:
    """Put the double into a folder as `trtexec`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trtexec"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$0" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (folder / "mode").write_text(mode)
    return path


def say(severity: str, text: str, trt: bool = True) -> None:
    """A line of the log, as the program writes it."""
    sys.stdout.write(f"[11/21/2026-12:00:00] [{severity}] {'[TRT] ' if trt else ''}{text}\n")
    sys.stdout.flush()


def parse(path: Path) -> int:
    """Tell of one layer for each operator, and of a second one for an Add, as the parser does; then work on."""
    import onnx

    for node in onnx.load(str(path), load_external_data=False).graph.node:
        say("V", f"Parsing node: {node.name} [{node.op_type}]")
        if node.op_type == "Add":
            say("V", f"Registering layer: {node.name}_12 for ONNX node: {node.name}")
        say("V", f"Registering layer: {node.name} for ONNX node: {node.name}")
        say("V", f"Registering tensor: {node.output[0]}_3 for ONNX tensor: {node.output[0]}")
    say("I", "Finish parsing network model", trt=False)
    say("V", "Original: 3 layers")
    time.sleep(60)
    return 1


def build(options: dict[str, str], mode: str) -> int:
    """Write an engine, or fail as the mode says."""
    say("I", "Start parsing network model", trt=False)
    if mode == "odd":
        for text in ODD:
            say("E", text)
        say("E", "Failed to parse onnx file", trt=False)
        say("E", "Parsing model failed", trt=False)
        return 1
    if "saveEngine" not in options:
        return parse(Path(options["onnx"]))
    say("V", "Applying generic optimizations to the graph for inference.")
    if mode == "crash":
        sys.stderr.write("Cuda failure: no CUDA-capable device is detected\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGABRT)
    if mode == "hang":
        time.sleep(600)
    small = "workspace:256" in options.get("memPoolSize", "")
    if mode == "memory" and not small:
        say("E", OUT_OF_MEMORY, trt=False)
        say("E", "Engine could not be created from network", trt=False)
        return 1
    if "timingCacheFile" in options:
        learned = Path(options["timingCacheFile"])
        learned.write_bytes((learned.read_bytes() if learned.exists() else b"") + b" more")
    if mode == "cache":
        say("W", "The timing cache will not be used!")
    if mode != "nothing":
        Path(options["saveEngine"]).write_bytes(PLAN)
    say("I", "Engine built in 0.1 sec.", trt=False)
    return 0


def run(options: dict[str, str], mode: str) -> int:
    """Give the first input as the outputs `y` and `twice`."""
    if Path(options["loadEngine"]).read_bytes() != PLAN:
        say(
            "E",
            "1: [stdArchiveReader.cpp::StdArchiveReader::32] Error Code 1: Serialization (Version tag does not match)",
        )
        return 1
    if "exportLayerInfo" in options:
        layers = ", ".join(f'{{"Name": "{name}", "ParameterType": "Convolution"}}' for name in "ab")
        Path(options["exportLayerInfo"]).write_text(f'{{"Layers": [{layers}], "Bindings": []}}')
        return 0
    name = options["loadInputs"].split(",")[0].rsplit(":", 1)[1]
    data = Path(name).read_bytes()
    values = struct.unpack(f"<{len(data) // 4}f", data)
    if "exportOutput" in options:
        shape = options.get("shapes", f"x:{len(values) // 4}x4").split(":")[1]
        text = "[\n"
        for number, output in enumerate(("y", "twice")):
            printed = ", ".join(f"{(1 + number) * value:.6g}" for value in values)
            text += f'{", " if number else "  "}{{ "name" : "{output}"\n  , "dimensions" : "{shape}"\n'
            text += f'  , "values" : [ {printed} ]\n  }}\n'
        Path(options["exportOutput"]).write_text(text[: len(text) // 2] if mode == "torn" else text + "]\n")
    if "exportTimes" in options:
        rows = []
        for number in range(max(int(options["iterations"]), 20)):
            begin = float(number)
            rows.append(
                f'{{ "startEnqMs" : 0, "endEnqMs" : 0, "startH2dMs" : {begin}, "endH2dMs" : {begin + 0.1}, '
                f'"startComputeMs" : 0, "endComputeMs" : 0, "startD2hMs" : 0, "endD2hMs" : {begin + 0.5}, '
                '"h2dMs" : 0.1, "computeMs" : 0.3, "d2hMs" : 0.1, "latencyMs" : 0.5 }'
            )
        Path(options["exportTimes"]).write_text("[\n  " + "\n, ".join(rows) + "\n]\n")
    if "exportProfile" in options:
        layers = '{ "count" : 10 }'
        for name, mean_ms in (("a", 0.1), ("b", 0.3)):
            layers += f'\n, {{ "name" : "{name}", "timeMs" : 1, "averageMs" : {mean_ms}, "medianMs" : 1 }}'
        Path(options["exportProfile"]).write_text(f"[\n  {layers}\n]\n")
    return 0


def main(arguments: list[str]) -> int:
    """The status of a run."""
    own, words = Path(arguments[0]), arguments[1:]
    sys.stdout.write(f"&&&& RUNNING {BANNER} {' '.join(words)}\n")
    if "--help" in words:
        return 0
    mode = (own.parent / "mode").read_text()
    options = dict(word[2:].partition("=")[::2] for word in words)
    (own.parent / "arguments").write_text("\n".join(words))
    status = run(options, mode) if "loadEngine" in options else build(options, mode)
    sys.stdout.write(f"&&&& {'FAILED' if status else 'PASSED'} {BANNER}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
