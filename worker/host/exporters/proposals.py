"""Where in an image something may be: the region proposals of Mask R-CNN, a fixed number of them."""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .box_moves import moved
from .order import SAMPLED
from .regions import Best

Tensor = Any

_WIDTH, _RATIOS = 256, (0.5, 1.0, 2.0)
_SIDES = (32, 64, 128, 256, 512)
_OVERLAP = 0.7
_WEIGHTS = (1.0, 1.0)
# Of drawn weights: scores that differ, and boxes that move.
_SCORES, _MOVES = 0.2, 0.01


class Proposals(nn.Module):
    """Scores and moves of boxes at every place of five maps, and the best of these.

    Args:
        most: How many; as many of each map take part.
        form: How they are chosen, as of `Best`.
    """

    def __init__(self, most: int, form: str) -> None:
        super().__init__()
        self._most, self._form = most, form
        count = len(_RATIOS)
        self.head = nn.Module()
        self.head.conv = nn.Sequential(nn.Sequential(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.ReLU()))
        self.head.cls_logits, self.head.bbox_pred = nn.Conv2d(_WIDTH, count, 1), nn.Conv2d(_WIDTH, 4 * count, 1)
        nn.init.kaiming_normal_(self.head.conv[0][0].weight)
        nn.init.normal_(self.head.cls_logits.weight, std=_SCORES)
        nn.init.normal_(self.head.bbox_pred.weight, std=_MOVES)

    def forward(self, maps: list[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Boxes, N x proposals x 4, the best first, and 1 for each that is one, 0 for what fills up their count."""
        found = [self._of_a_map(x, side, size) for x, side in zip(maps, _SIDES, strict=True)]
        boxes = torch.cat([each for each, _ in found], 1)
        scores = torch.cat([each for _, each in found], 1) * self._marks(found)
        kept, picked = scores.topk(min(self._most, scores.shape[1]))
        return boxes.gather(1, picked[..., None].expand(-1, -1, 4)), (kept > 0).to(boxes)

    def _marks(self, found: list[tuple[Tensor, Tensor]]) -> Tensor:
        """1 for each box that no better one of its map overlaps."""
        best = Best(self._most, _OVERLAP, 0.0, self._form)
        if self._form != SAMPLED:
            return torch.cat([best.marked(boxes, scores) for boxes, scores in found], 1)
        # Each time takes a chain of products, so that all maps go through one.
        boxes, scores = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        numbers = torch.cat([torch.full_like(each, number) for number, (_, each) in enumerate(found)], 1)
        return best.marked(boxes, scores, numbers, len(found))

    def _of_a_map(self, x: Tensor, side: int, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        images, _, rows, columns = (int(length) for length in x.shape)
        y = self.head.conv(x)
        logits = self.head.cls_logits(y).permute(0, 2, 3, 1).reshape(images, -1)
        by = self.head.bbox_pred(y).reshape(images, -1, 4, rows, columns).permute(0, 3, 4, 1, 2).reshape(images, -1, 4)
        best, picked = logits.topk(min(self._most, rows * columns * len(_RATIOS)))
        places = picked[..., None].expand(-1, -1, 4)
        started = starts(side, rows, columns, size).to(x)[None].expand(images, -1, -1).gather(1, places)
        return moved(started, by.gather(1, places), _WEIGHTS, size), best.sigmoid()


def starts(side: int, rows: int, columns: int, size: tuple[int, int]) -> Tensor:
    """Corners of the boxes that moves start from: (rows x columns x ratios) x 4."""
    high = torch.tensor(_RATIOS).sqrt()
    halves = torch.stack((side / high, side * high), 1) / 2
    corners = torch.cat((-halves, halves), 1).round()
    right = torch.arange(columns) * (size[1] // columns)
    down = torch.arange(rows) * (size[0] // rows)
    middles = torch.stack((right.expand(rows, -1), down[:, None].expand(-1, columns)), -1).reshape(-1, 1, 2)
    return (torch.cat((middles, middles), -1) + corners).reshape(-1, 4)
