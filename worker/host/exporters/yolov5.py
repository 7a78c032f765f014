"""YOLOv5-L (of its releases 6 and 7) in PyTorch, with the parameter names of the original, so that its weights fit.

The answers are decoded: boxes in pixels, and the scores of 80 classes, for three shapes at every place of three maps.
"""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from farm.detect.kinds import KINDS

from .base import Exporter, ExportOrder, Size

Tensor = Any

_CLASSES, _STRIDES = 80, (8, 16, 32)
# Widths and heights in pixels, three for each map.
_SHAPES = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
_PER_PLACE = 3
_ANSWERS = 5 + _CLASSES
_EPSILON = 1e-3
# Of what a block adds to its input: nine of them in a row add to each other.
_ADDED = 0.5
# Of drawn weights of the last layer, so that no score is 0 or 1.
_SHARE = 0.5
# Height and width of the images that the norms of drawn weights are measured with, and of the coarsest of them.
_SEEN, _COARSE = (160, 192), (5, 6)
_HEAD = "24"
_PREFIX, _COMPUTED = "model.", ".anchor_grid"


class Conv(nn.Module):
    """A convolution, its norm, and SiLU."""

    def __init__(self, given: int, made: int, kernel: int = 1, stride: int = 1, padding: int | None = None) -> None:
        super().__init__()
        around = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(given, made, kernel, stride, around, bias=False)
        self.bn = nn.BatchNorm2d(made, eps=_EPSILON)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Of N x C x H x W."""
        return functional.silu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Two convolutions, beside a shortcut or alone."""

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(width, width), Conv(width, width, 3)
        self._shortcut = shortcut
        if shortcut:
            nn.init.constant_(self.cv2.bn.weight, _ADDED)

    def forward(self, x: Tensor) -> Tensor:
        """Of N x C x H x W."""
        y = self.cv2(self.cv1(x))
        return x + y if self._shortcut else y


class Cross(nn.Module):
    """Half of the channels through a row of bottlenecks, half past them; `C3` of the original."""

    def __init__(self, given: int, made: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = made // 2
        self.cv1, self.cv2, self.cv3 = Conv(given, half), Conv(given, half), Conv(made, made)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        """Of N x C x H x W."""
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class Pooled(nn.Module):
    """A map beside what is the largest near each place, three times as far each; `SPPF` of the original."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cv1, self.cv2 = Conv(width, width // 2), Conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Of N x C x H x W."""
        found = [self.cv1(x)]
        for _ in range(3):
            found.append(functional.max_pool2d(found[-1], 5, 1, 2))
        return self.cv2(torch.cat(found, 1))


class Decoded(nn.Module):
    """Three maps to boxes and scores; `Detect` of the original."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.m = nn.ModuleList(nn.Conv2d(width, _PER_PLACE * _ANSWERS, 1) for width in widths)
        shapes = torch.tensor(_SHAPES, dtype=torch.float32)
        self.register_buffer("anchors", shapes / torch.tensor(_STRIDES)[:, None, None])

    def forward(self, maps: list[Tensor]) -> Tensor:
        """N x places x (centre, size, score, scores of classes), boxes in pixels."""
        found = [self._of_a_map(number, x) for number, x in enumerate(maps)]
        return torch.cat(found, 1)

    def _of_a_map(self, number: int, x: Tensor) -> Tensor:
        rows, columns = int(x.shape[-2]), int(x.shape[-1])
        y = self.m[number](x).reshape(-1, _PER_PLACE, _ANSWERS, rows, columns).permute(0, 1, 3, 4, 2).sigmoid()
        right = torch.arange(columns).expand(rows, -1)
        down = torch.arange(rows)[:, None].expand(-1, columns)
        corners = torch.stack((right, down), -1).to(y) - 0.5
        middle, size, scores = y.split((2, 2, 1 + _CLASSES), -1)
        middle = (middle * 2 + corners) * _STRIDES[number]
        shapes = (self.anchors[number] * _STRIDES[number]).reshape(1, _PER_PLACE, 1, 1, 2)
        size = (size * 2) ** 2 * shapes
        return torch.cat((middle, size, scores), -1).reshape(-1, _PER_PLACE * rows * columns, _ANSWERS)


class YoloV5(nn.Module):
    """YOLOv5-L. Layers have the numbers of the original, where joining and enlarging have numbers, too."""

    def __init__(self) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {
            "0": Conv(3, 64, 6, 2, 2),
            "1": Conv(64, 128, 3, 2),
            "2": Cross(128, 128, 3),
            "3": Conv(128, 256, 3, 2),
            "4": Cross(256, 256, 6),
            "5": Conv(256, 512, 3, 2),
            "6": Cross(512, 512, 9),
            "7": Conv(512, 1024, 3, 2),
            "8": Cross(1024, 1024, 3),
            "9": Pooled(1024),
            "10": Conv(1024, 512),
            "13": Cross(1024, 512, 3, shortcut=False),
            "14": Conv(512, 256),
            "17": Cross(512, 256, 3, shortcut=False),
            "18": Conv(256, 256, 3, 2),
            "20": Cross(512, 512, 3, shortcut=False),
            "21": Conv(512, 512, 3, 2),
            "23": Cross(1024, 1024, 3, shortcut=False),
            _HEAD: Decoded((256, 512, 1024)),
        }
        self.model = nn.ModuleDict(layers)

    def forward(self, images: Tensor) -> Tensor:
        """N x places x 85."""
        small = self._through(images, 0, 4)
        middle = self._through(small, 5, 6)
        large = self._through(middle, 7, 10)
        middle = self._through(_joined(_enlarged(large), middle), 13, 14)
        small = self._through(_joined(_enlarged(middle), small), 17, 17)
        middle = self._through(_joined(self.model["18"](small), middle), 20, 20)
        large = self._through(_joined(self.model["21"](middle), large), 23, 23)
        return self.model[_HEAD]([small, middle, large])

    def _through(self, x: Tensor, first: int, last: int) -> Tensor:
        for number in range(first, last + 1):
            x = self.model[str(number)](x)
        return x


class YoloV5Exporter(Exporter):
    """YOLOv5-L, by default at the square size that it is trained for."""

    size = Size(640, 640)
    size_step = 32
    outputs = ("detections",)
    detection = KINDS["yolov5"].usual
    # Places are numbers in the file.
    sizes_are_fixed = True

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn, and its norms measured: SiLU lets what all places share grow."""
        network = YoloV5()
        return network if order.weights else _measured(network)

    def prepare_sample_inputs(self, batch: int, size: Size) -> tuple[Any, ...]:
        """Colours from 0 to 1, as it takes them."""
        return (torch.rand(batch, 3, size.height, size.width),)

    def adapt_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """Without the prefixes of what wraps it for use, and what older releases keep although it is computed."""
        return {_plain(name): value for name, value in state.items() if not name.endswith(_COMPUTED)}


def _measured(network: YoloV5) -> YoloV5:
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(_images())
        for head in network.model[_HEAD].m:
            head.weight.mul_(_SHARE)
    return network


def _images() -> Tensor:
    """Fine and coarse ones, from 0 to 1 and from -1 to 1: what values are common to one kind differs in another."""
    coarse = functional.interpolate(torch.rand(2, 3, *_COARSE), _SEEN, mode="bilinear")
    both = torch.cat((torch.rand(2, 3, *_SEEN), coarse))
    return torch.cat((both, 2 * both - 1))


def _plain(name: str) -> str:
    while name.startswith(2 * _PREFIX):
        name = name[len(_PREFIX) :]
    return name


def _enlarged(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _joined(one: Tensor, other: Tensor) -> Tensor:
    return torch.cat((one, other), 1)
