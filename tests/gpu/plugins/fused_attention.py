"""Attention beside each backend of PyTorch's `scaled_dot_product_attention`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.fused_attention.cases import Case

from .bench import Bench, Tensors, Way
from .calls import bound

PLUGIN = "fused_attention"
# DETR at 1280 x 1920: its encoder, its decoder towards the map and towards itself. Other sizes of heads; a batch.
CASES = {
    "2,400 x 2,400, 8 heads of 32": (Case(2400, 2400, 32, 8, 1), 1.0),
    "2,400 x 2,400, 8 heads of 32, one tensor": (Case(2400, 2400, 32, 8, 1, joined=True), 1.0),
    "100 x 2,400, 8 heads of 32": (Case(100, 2400, 32, 8, 1), 1.0),
    "100 x 100, 8 heads of 32": (Case(100, 100, 32, 8, 1), 1.0),
    "197 x 197, 12 heads of 64, batch 8": (Case(197, 197, 64, 12, 8), 0.5),
    "1,024 x 1,024, 16 heads of 64, batch 2": (Case(1024, 1024, 64, 16, 2), 0.5),
    "1,024 x 1,024, 8 heads of 128, batch 2": (Case(1024, 1024, 128, 8, 2), 0.5),
}
_BACKENDS = ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION")


def benches() -> Iterator[Bench]:
    """All cases in both types."""
    for name, (case, wanted) in CASES.items():
        for dtype in (torch.float16, torch.float32):
            yield _bench(name, case, dtype, wanted if dtype == torch.float16 else 0.3)


def _bench(name: str, case: Case, dtype: Any, wanted: float) -> Bench:
    def made(seed: int) -> Tensors:
        torch.manual_seed(seed)
        if case.joined:
            return (torch.randn(case.shape(case.queries, 3 * case.width), device="cuda", dtype=dtype),)
        rows = (case.queries, case.keys, case.keys)
        return tuple(torch.randn(case.shape(count, case.width), device="cuda", dtype=dtype) for count in rows)

    def ours(inputs: Tensors) -> Way:
        output = torch.empty(case.shape(case.queries, case.width), dtype=dtype, device="cuda")
        symbol = "run_half" if dtype == torch.float16 else "run_float"
        launch = bound(PLUGIN, symbol, *case.numbers, *(inputs * 3 if case.joined else inputs), output)

        def run() -> Any:
            launch()
            return output

        return run

    least = 2 * case.batch * (case.queries + case.keys) * case.width * dtype.itemsize
    others = {backend.split("_")[0].lower(): _by(backend, case) for backend in _BACKENDS}
    return Bench(PLUGIN, name, dtype, made, ours, others, least, wanted, compiled=False)


def _by(backend: str, case: Case) -> Callable[..., Any]:
    """One backend, from rows of all heads to rows of all heads, by views."""

    def way(*inputs: Any) -> Any:
        from torch.nn.attention import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
            SDPBackend,
            sdpa_kernel,
        )

        parts = inputs[0].split(case.width, dim=-1) if case.joined else inputs
        heads = [part.unflatten(-1, (case.heads, case.channels)).transpose(1, 2) for part in parts]
        with sdpa_kernel(getattr(SDPBackend, backend)):
            return torch.nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)

    return way
