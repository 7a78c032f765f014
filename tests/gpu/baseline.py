"""PyTorch on the same card: `python -m tests.gpu.baseline NETWORK PRECISION`, medians in milliseconds as JSON.

Eager, and compiled with max-autotune and CUDA graphs; contiguous and channels-last; the best one counts.
"""

from __future__ import annotations

import json
import statistics
import sys
from typing import Any

from .networks import NETWORKS

_WARM, _RUNS = 30, 200


def main() -> None:
    """Print them."""
    import torch  # type: ignore[import-not-found]

    name, precision = sys.argv[1:3]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    dtype = torch.float16 if precision in ("fp16", "mix", "best", "int8") else torch.float32
    network, shape = NETWORKS[name]()
    found: dict[str, Any] = {"torch": torch.__version__, "dtype": str(dtype)}
    for layout in (torch.contiguous_format, torch.channels_last):
        model = network.to("cuda", dtype=dtype, memory_format=layout)
        images = torch.randn(shape, device="cuda", dtype=dtype).to(memory_format=layout)
        compiled = torch.compile(model, mode="max-autotune")
        for how, run in (("eager", model), ("compiled", compiled)):
            found[f"{how}, {str(layout).split('.')[-1]}"] = _median_ms(torch, run, images)
    sys.stdout.write(json.dumps(found) + "\n")


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
