"""PyTorch on the same card: `python -m tests.gpu.baseline NETWORK PRECISION [MODE…]`, medians in ms as JSON.

Eager in both layouts, and compiled with each mode, by default max-autotune; the best one counts. Attention is measured
as PyTorch's own fused one, too. A line is printed after each measurement, so that none is lost to a time limit.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import replace
from typing import Any

from worker.host.exporters.order import NATIVE
from worker.host.exporters.table import exporter

from .networks import NETWORKS

_WARM, _RUNS = 30, 200
_HALF = ("fp16", "mix", "best", "int8")


def main() -> None:
    """Print them."""
    import torch  # type: ignore[import-not-found]

    name, precision, *modes = sys.argv[1:]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    dtype = torch.float16 if precision in _HALF else torch.float32
    found: dict[str, Any] = {"torch": torch.__version__, "dtype": str(dtype)}
    for way, model, images in _ways(torch, name, dtype):
        found[f"eager, contiguous{way}"] = _median_ms(torch, model, images)
        images = images.to(memory_format=torch.channels_last)
        model = model.to(memory_format=torch.channels_last)
        found[f"eager, channels last{way}"] = _median_ms(torch, model, images)
        _say(found)
        # Only in the layout that is faster for convolutions: compiling takes minutes.
        for mode in modes or ["max-autotune"]:
            torch.compiler.reset()
            found[f"compiled {mode}, channels last{way}"] = _median_ms(torch, torch.compile(model, mode=mode), images)
            _say(found)


def _ways(torch: Any, name: str, dtype: Any) -> Any:
    """A network, and the same one with fused attention where it has attention."""
    word, order = NETWORKS[name]
    made = exporter(word)
    images = made.prepare_sample_inputs(order.batch, order.size or made.size)[0].to("cuda", dtype=dtype)
    # The fused one first: it is the faster one, and time may end.
    for way in reversed(made.ways()):
        # The operators of plugins are not PyTorch's.
        network, _ = made.network(replace(order, way=way, form=NATIVE))
        yield f", {way}" if way else "", network.to("cuda", dtype=dtype), images


def _say(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def _median_ms(torch: Any, run: Any, images: Any) -> float:
    with torch.inference_mode():
        for _ in range(_WARM):
            run(images)
        torch.cuda.synchronize()
        times = []
        for _ in range(_RUNS):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run(images)
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end))
    return float(statistics.median(times))


if __name__ == "__main__":
    main()
