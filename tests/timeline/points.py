"""What is worth a span: functions of the farm by module, and imports that take long."""

from __future__ import annotations

import os
from typing import Any

POINTS: dict[str, tuple[str, ...]] = {
    "farm.filehash": ("file_ref",),
    "farm.client.asks": ("make_ask",),
    "farm.client.download": ("download",),
    "farm.client.results": ("results",),
    "farm.client.transport": ("Transport.stream",),
    "farm.client.upload": ("upload",),
    "farm.runtime.arrays": ("load_arrays", "save_arrays"),
    "orchestrator.blobs.upload": ("Upload.finish",),
    "tensorrt": ("Builder.build_serialized_network",),
    "tensorrt_rtx": ("Builder.build_serialized_network",),
    "worker.child.guard": ("guard",),
    "worker.child.isolate": ("Child.go_on", "Child.start", "Child.wait"),
    "worker.child.remains": ("end_remains",),
    "worker.child.executor": ("write_reproduce",),
    "worker.device.build": ("_measure", "_verify"),
    "worker.device.builders.onnxruntime": ("OnnxRuntimeBuilder.build", "OnnxRuntimeBuilder.open"),
    "worker.device.builders.tensorrt.builder": ("TensorRtBuilder.build", "TensorRtBuilder.open"),
    "worker.device.builders.tensorrt.layers": ("network_layers",),
    "worker.device.builders.tensorrt.library": ("Assembly.__init__",),
    "worker.device.builders.tensorrt.parse": ("parse",),
    "worker.device.builders.tensorrt.plan": ("make_plan",),
    "worker.device.builders.tensorrt.quantize": ("quantize",),
    "worker.device.builders.tensorrt.timing": ("Timing.attach", "Timing.keep"),
    "worker.device.builders.tensorrt.types": ("check_types",),
    "worker.device.layers": ("layers_of_engine", "layers_of_network"),
    "worker.host.graph.model": ("Model.write",),
    "worker.host.graph.pipeline": ("Pipeline.run",),
    "worker.host.load": ("load",),
    "worker.host.reference.inputs": ("reference_inputs",),
    "worker.host.reference.outputs": ("computed",),
    "worker.lease.delivery": ("Delivery.deliver", "read_made"),
    "worker.lease.timing_cache": ("FleetCache.bring", "FleetCache.share"),
    "worker.lease.transfer": ("Cache.adopt", "Cache.bring", "_link"),
    "worker.lease.workspace": ("make_workspace",),
}

HEAVY = frozenset({"farm.client", "httpx", "numpy", "onnx", "onnxruntime", "tensorrt", "tensorrt_rtx"})


def label_of(name: str, given: tuple[Any, ...]) -> str:
    """The function, and the last of its arguments that names a file; a call of the coordinator by method and path."""
    words = [str(item) for item in given if isinstance(item, (str, os.PathLike)) and str(item)]
    if name == "stream":
        return " ".join(words[:2])
    return " ".join([name, *(os.path.basename(word)[:24] for word in words[-1:])])
