"""Mask R-CNN with ResNet-50 in PyTorch, with the parameter names of torchvision's, so that weights of its files fit.

All counts are fixed, which suits an engine: 1000 proposals and 100 answers of an image, those left over with the score
0. Of all boxes of all classes, the best 1000 take part in the last suppression; torchvision's takes all above 0.05.
"""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from farm.detect.kinds import KINDS

from .base import Exporter, ExportOrder, Size
from .box_moves import moved
from .operators import DOMAIN, VERSION
from .order import NATIVE, PLUGIN, SAMPLED
from .proposals import Proposals
from .regions import Best, pooled
from .resnet import Features

Tensor = Any

_CLASSES, _WIDTH, _INNER = 91, 256, 1024
_PROPOSALS, _CANDIDATES, _ANSWERS = 1000, 1000, 100
_OVERLAP, _LEAST = 0.5, 0.05
_WEIGHTS = (10.0, 5.0)
_BOX_SIDE, _MASK_SIDE = 7, 14
# A box as large as this is looked at on the third of the four maps.
_USUAL, _USUAL_MAP = 224, 2
# Of drawn weights: scores that differ, and boxes that move.
_SCORES, _MOVES = 0.2, 0.02

# Names of older files of torchvision.
_OLD_NAMES = (
    (re.compile(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$"), r"\1.0.\2"),
    (re.compile(r"^rpn\.head\.conv\.(weight|bias)$"), r"rpn.head.conv.0.0.\1"),
    *(
        (
            re.compile(rf"^roi_heads\.mask_head\.mask_fcn{number + 1}\.(weight|bias)$"),
            rf"roi_heads.mask_head.{number}.0.\1",
        )
        for number in range(4)
    ),
)


class Pyramid(nn.Module):
    """Maps of four sizes that know of all larger ones, and a fifth, of every second place of the smallest."""

    def __init__(self) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(_WIDTH << n, _WIDTH, 1)) for n in range(4))
        self.layer_blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)) for _ in range(4))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The largest first."""
        inner = [block(x) for block, x in zip(self.inner_blocks, maps, strict=True)]
        for place in (2, 1, 0):
            size = [int(side) for side in inner[place].shape[-2:]]
            inner[place] = inner[place] + functional.interpolate(inner[place + 1], size=size, mode="nearest")
        made = [block(x) for block, x in zip(self.layer_blocks, inner, strict=True)]
        return [*made, functional.max_pool2d(made[-1], 1, 2)]


class Heads(nn.Module):
    """Proposals to boxes with classes, and to masks."""

    def __init__(self, form: str, answers: int) -> None:
        super().__init__()
        self._form, self._answers = form, answers
        self.box_head, self.box_predictor, self.mask_predictor = nn.Module(), nn.Module(), nn.Module()
        self.box_head.fc6 = nn.Linear(_WIDTH * _BOX_SIDE * _BOX_SIDE, _INNER)
        self.box_head.fc7 = nn.Linear(_INNER, _INNER)
        self.box_predictor.cls_score = nn.Linear(_INNER, _CLASSES)
        self.box_predictor.bbox_pred = nn.Linear(_INNER, 4 * _CLASSES)
        self.mask_head = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.ReLU()) for _ in range(4))
        )
        self.mask_predictor.conv5_mask = nn.ConvTranspose2d(_WIDTH, _WIDTH, 2, 2)
        self.mask_predictor.mask_fcn_logits = nn.Conv2d(_WIDTH, _CLASSES, 1)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                nn.init.kaiming_normal_(module.weight)
        nn.init.normal_(self.box_predictor.cls_score.weight, std=_SCORES)
        nn.init.normal_(self.box_predictor.bbox_pred.weight, std=_MOVES)

    def forward(self, maps: list[Tensor], boxes: Tensor, there: Tensor, size: tuple[int, int]) -> tuple[Tensor, ...]:
        """Boxes, classes, scores and masks of the answers.

        Args:
            maps: The largest first.
            boxes: Of proposals, N x proposals x 4.
            there: 1 for proposals, 0 for what fills up their count.
            size: Of the image.
        """
        boxes, classes, scores = self._boxes(self._looked_at(maps, boxes, size, _BOX_SIDE), boxes, there, size)
        masks = self._masks(self._looked_at(maps, boxes, size, _MASK_SIDE), classes)
        return boxes, classes, scores, masks.reshape(*classes.shape, *masks.shape[-2:])

    def _boxes(self, seen: Tensor, boxes: Tensor, there: Tensor, size: tuple[int, int]) -> tuple[Tensor, ...]:
        images, count = boxes.shape[:2]
        x = functional.relu(self.box_head.fc7(functional.relu(self.box_head.fc6(seen.flatten(1)))))
        shares = self.box_predictor.cls_score(x).softmax(-1)[:, 1:].reshape(images, count, -1) * there[..., None]
        by = self.box_predictor.bbox_pred(x).reshape(images, count, _CLASSES, 4)[:, :, 1:]
        found = moved(boxes[:, :, None], by, _WEIGHTS, size).reshape(images, -1, 4)
        scores, picked = shares.flatten(1).topk(min(_CANDIDATES, count * (_CLASSES - 1)))
        found = found.gather(1, picked[..., None].expand(-1, -1, 4))
        classes = picked % (_CLASSES - 1)
        best = Best(self._answers, _OVERLAP, _LEAST, self._form)
        scores = scores * best.marked(found, scores, classes, _CLASSES - 1)
        scores, picked = scores.topk(min(self._answers, scores.shape[1]))
        return found.gather(1, picked[..., None].expand(-1, -1, 4)), classes.gather(1, picked) + 1, scores

    def _masks(self, seen: Tensor, classes: Tensor) -> Tensor:
        x = self.mask_predictor.mask_fcn_logits(functional.relu(self.mask_predictor.conv5_mask(self.mask_head(seen))))
        places = classes.reshape(-1, 1, 1, 1).expand(-1, -1, *x.shape[-2:])
        return x.gather(1, places).sigmoid()

    def _looked_at(self, maps: list[Tensor], boxes: Tensor, size: tuple[int, int], side: int) -> Tensor:
        """What lies in each box, on the map for boxes of its size."""
        lengths = boxes[..., 2:] - boxes[..., :2]
        areas = (lengths[..., 0] * lengths[..., 1]).clamp(min=1e-6)
        wanted = torch.floor(_USUAL_MAP + torch.log2(areas.sqrt() / _USUAL) + 1e-6).clamp(0, 3).reshape(-1, 1, 1, 1)
        total = torch.zeros(1)
        for number, x in enumerate(maps[:4]):
            # Powers of two, as the maps of torchvision.
            scale = 2.0 ** round(torch.tensor(x.shape[-2] / size[0]).log2().item())
            seen = pooled(x, boxes, scale, side, self._form)
            total = torch.where(wanted == number, seen, total.to(seen))
        return total


class MaskRcnn(nn.Module):
    """Mask R-CNN: normalised images to boxes, classes, scores and masks of answers, the best first."""

    def __init__(self, form: str = NATIVE, proposals: int = _PROPOSALS, answers: int = _ANSWERS) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.body, self.backbone.fpn = Features(), Pyramid()
        for module in self.backbone.body.modules():
            if isinstance(module, nn.BatchNorm2d):
                # As in torchvision's file; of drawn weights it changes nothing.
                module.eps = 0.0
        self.rpn, self.roi_heads = Proposals(proposals, form), Heads(form, answers)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Boxes in pixels, classes, scores, and masks of 28 x 28 within the boxes."""
        size = int(images.shape[-2]), int(images.shape[-1])
        maps = self.backbone.fpn(self.backbone.body.maps(images))
        boxes, there = self.rpn(maps, size)
        boxes, classes, scores, masks = self.roi_heads(maps, boxes, there, size)
        return boxes, classes, scores, masks


class MaskRcnnExporter(Exporter):
    """Mask R-CNN for normalised images of one size.

    Attributes:
        proposals: How many boxes are looked at, whatever is in an image.
        answers: How many are given.
    """

    size = Size(800, 1088)
    size_step = 32
    outputs = ("boxes", "classes", "scores", "masks")
    ranked = "scores"
    detection = KINDS["mask-rcnn"].usual
    sizes_are_fixed = True
    batch_is_fixed = True
    forms = (NATIVE, PLUGIN, SAMPLED)
    proposals = _PROPOSALS
    answers = _ANSWERS

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn."""
        return MaskRcnn(order.form, self.proposals, self.answers)

    def custom_opset(self) -> Mapping[str, int]:
        """The domain of the farm's plugins."""
        return {DOMAIN: VERSION}

    def adapt_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """Names of older files as torchvision writes them today."""
        return {_new_name(name): value for name, value in state.items()}


def _new_name(name: str) -> str:
    for old, new in _OLD_NAMES:
        name = old.sub(new, name)
    return name
