"""Non-maximum suppression beside torchvision's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.non_max_suppression.calls import attributes, numbers

from .bench import Bench, Tensors, Way
from .calls import bound, number

PLUGIN = "non_max_suppression"


@dataclass(frozen=True)
class Case:
    """How many there are of each, where scores begin to count, and what is wanted."""

    images: int
    classes: int
    boxes: int
    wanted: float
    score: float = 0.0
    most: int = 0


# That of the table; a detector's outputs with and without many classes; more boxes than one block sorts.
CASES = (
    Case(1, 1, 10_000, 5.0),
    Case(1, 1, 1000, 2.0),
    Case(1, 80, 8400, 2.0, score=0.98, most=100),
    Case(8, 1, 8400, 5.0, score=0.5, most=300),
    Case(1, 1, 100_000, 2.0),
)


def benches() -> Iterator[Bench]:
    """All cases in float32, the first in float16, too."""
    for case in CASES:
        yield _bench(case, torch.float32)
    yield _bench(CASES[0], torch.float16)


def made_boxes(images: int, classes: int, boxes: int, seed: int) -> Tensors:
    """On the card: boxes of 16 to 256 pixels in heaps on an image of 1280 by 1280, and scores, each another one."""
    torch.manual_seed(seed)
    heaps = torch.rand((max(boxes // 20, 1), 2), device="cuda") * 1280
    middles = heaps[torch.randint(len(heaps), (images, boxes), device="cuda")]
    middles = middles + 6 * torch.randn((images, boxes, 2), device="cuda")
    sizes = 16 ** (1 + torch.rand((images, boxes, 2), device="cuda"))
    order = torch.rand((images, classes, boxes), device="cuda").argsort(-1)
    return torch.cat([middles - sizes / 2, middles + sizes / 2], -1), (order + 1) / boxes


def bound_suppression(inputs: Tensors, how: dict[str, Any]) -> Way:
    """The launch for boxes and scores, with output and workspace made before."""
    boxes, scores = inputs
    told = numbers(tuple(scores.shape), how)
    output = torch.empty((int(told[0] * told[1] * told[3]), 3), dtype=torch.int32, device="cuda")
    workspace = torch.empty(number(PLUGIN, "workspace_bytes", *told), dtype=torch.uint8, device="cuda")
    symbol = "run_half" if boxes.dtype == torch.float16 else "run_float"
    launch = bound(PLUGIN, symbol, *told, boxes, scores, output, workspace)

    def run() -> Any:
        launch()
        return output

    return run


def torchvision_rows(boxes: Any, scores: Any, how: dict[str, Any]) -> Any:
    """The same rows without padding, by what torchvision has: one call for all classes of all images."""
    from torchvision.ops import batched_nms, nms  # type: ignore[import-not-found,import-untyped,unused-ignore]

    if scores.shape[:2] == (1, 1) and how["score_threshold"] == 0:
        kept = nms(boxes[0], scores[0, 0], how["iou_threshold"])
        return kept[: how["max_output_boxes_per_class"] or None]
    image, kind, box = (scores > how["score_threshold"]).nonzero(as_tuple=True)
    kept = batched_nms(
        boxes[image, box], scores[image, kind, box], image * scores.shape[1] + kind, how["iou_threshold"]
    )
    return torch.stack([image, kind, box], -1)[kept]


def _bench(case: Case, dtype: Any) -> Bench:
    how = attributes(max_output_boxes_per_class=case.most, score_threshold=case.score)

    def made(seed: int) -> Tensors:
        boxes, scores = made_boxes(case.images, case.classes, case.boxes, seed)
        return boxes.to(dtype), scores.to(dtype)

    scores = case.images * case.classes * case.boxes
    rows = case.images * case.classes * (case.most or case.boxes)
    score = f", scores above {case.score:g}" if case.score else ""
    return Bench(
        PLUGIN,
        f"{case.images} images, {case.classes} classes, {case.boxes:,} boxes, IoU 0.5{score}",
        dtype,
        made,
        lambda inputs: bound_suppression(inputs, how),
        {"torchvision": lambda boxes, scores: torchvision_rows(boxes, scores, how)},
        (4 * case.images * case.boxes + scores) * dtype.itemsize + 12 * rows,
        case.wanted,
        compiled=False,  # its own code decides how many rows there are
        off=lambda mine, theirs: _rows_off(mine, theirs, case),
    )


def _rows_off(mine: Any, theirs: Any, case: Case) -> float:
    """The share of torchvision's boxes that are not among ours; all where classes are cut off at some number."""
    ours = mine[mine[:, 0] >= 0].long()
    wanted = theirs if theirs.dim() == 2 else torch.nn.functional.pad(theirs[:, None], (2, 0))
    spread = torch.tensor([case.classes * case.boxes, case.boxes, 1], device="cuda")
    found = torch.isin((ours * spread).sum(-1), (wanted * spread).sum(-1))
    missing = 0 if case.most else len(wanted) - len(ours)
    return float(((~found).sum() + abs(missing)).item()) / max(len(ours), 1)
