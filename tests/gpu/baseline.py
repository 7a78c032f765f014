"""PyTorch on the same card: `python -m tests.gpu.baseline NETWORK PRECISION [MODE]`, medians in milliseconds as JSON.

Eager in both layouts, and compiled with CUDA graphs, by default with max-autotune; the best one counts.
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

    name, precision, mode = (*sys.argv[1:], "max-autotune")[:3]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    dtype = torch.float16 if precision in ("fp16", "mix", "best", "int8") else torch.float32
    network, shape = NETWORKS[name]()
    found: dict[str, Any] = {"torch": torch.__version__, "dtype": str(dtype)}
    images = torch.randn(shape, device="cuda", dtype=dtype)
    model = network.to("cuda", dtype=dtype)
    found["eager, contiguous"] = _median_ms(torch, model, images)
    images = images.to(memory_format=torch.channels_last)
    model = model.to(memory_format=torch.channels_last)
    found["eager, channels last"] = _median_ms(torch, model, images)
    # Only in the layout that is faster for convolutions: compiling takes minutes.
    found["compiled, channels last"] = _median_ms(torch, torch.compile(model, mode=mode), images)
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
