"""ResNet-50 in PyTorch, with the parameter names of torchvision's, so that weights of those files fit."""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

from typing import Any

from torch import nn

from .base import Exporter, ExportOrder, Size

Tensor = Any

_WIDTHS, _DEPTHS = (64, 128, 256, 512), (3, 4, 6, 3)
# Of what a block adds to its input: drawn weights would double the variance in each of the sixteen blocks.
_ADDED = 0.5


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut."""

    def __init__(self, given: int, width: int, stride: int) -> None:
        super().__init__()
        made = 4 * width
        self.conv1, self.bn1 = _conv(given, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _conv(width, made, 1), nn.BatchNorm2d(made)
        nn.init.constant_(self.bn3.weight, _ADDED)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or given != made:
            self.downsample = nn.Sequential(_conv(given, made, 1, stride), nn.BatchNorm2d(made))

    def forward(self, x: Tensor) -> Tensor:
        """Of N x C x H x W."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        past = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn3(self.conv3(y)) + past)


class Features(nn.Module):
    """The convolutions of ResNet-50: N x 3 x H x W to N x 2048 x H/32 x W/32."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(3, _WIDTHS[0], 7, 2), nn.BatchNorm2d(_WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        given = _WIDTHS[0]
        for stage, (width, depth) in enumerate(zip(_WIDTHS, _DEPTHS, strict=True)):
            blocks = []
            for block in range(depth):
                blocks.append(Bottleneck(given, width, 2 if stage and not block else 1))
                given = 4 * width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, images: Tensor) -> Tensor:
        """The last map."""
        return self.maps(images)[-1]

    def maps(self, images: Tensor) -> list[Tensor]:
        """The last map of each of the four stages, the largest first."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        made = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            made.append(x)
        return made


class ResNet50(Features):
    """ResNet-50: images to 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * _WIDTHS[-1], 1000)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        return self.fc(self.avgpool(super().forward(images)).flatten(1))


class ResNet50Exporter(Exporter):
    """ResNet-50."""

    size = Size(224, 224)
    outputs = ("logits",)

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn."""
        return ResNet50()


def _conv(given: int, made: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(given, made, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv
