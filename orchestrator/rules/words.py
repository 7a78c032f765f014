"""The table of target words that every farm begins with. Users add to it: `farm targets`."""

from __future__ import annotations

from dataclasses import dataclass

from .filters import Filter, parse_filter


@dataclass(frozen=True)
class TargetWord:
    """A name, what it selects, and other names for the same.

    Attributes:
        tried: What the farm itself has been run with there; docs/hardware.md has the figures.
    """

    name: str
    filter: str
    aliases: tuple[str, ...] = ()
    description: str = ""
    builtin: bool = True
    tried: str = ""

    @property
    def parsed(self) -> Filter:
        """The filter, read. Raises: Invalid."""
        return parse_filter(self.filter)


NOT_RUN = "not run on hardware"


def _card(name: str, told: str, description: str, *aliases: str, tried: str = NOT_RUN) -> TargetWord:
    # TensorRT-RTX on the same card is another target: `rtx-aot` asks for it.
    return TargetWord(name, f"gpu~={told},backend!=tensorrt_rtx", aliases, description, tried=tried)


def _jetson(name: str, told: str, description: str, *aliases: str) -> TargetWord:
    wanted = f"{told},platform=linux-aarch64,backend!=tensorrt_rtx"
    return TargetWord(name, wanted, aliases, description, tried=NOT_RUN)


BUILTIN: tuple[TargetWord, ...] = (
    TargetWord(
        "cpu",
        "gpu=cpu,backend=onnxruntime",
        ("onnxruntime",),
        "ONNX Runtime on the processor",
        tried="ONNX Runtime 1.19.2 and 1.31.1 on x86-64",
    ),
    TargetWord(
        "rtx-aot",
        "backend=tensorrt_rtx",
        ("tensorrt-rtx", "trt-rtx"),
        "TensorRT for RTX, built ahead of time; no card",
        tried=f"built with TensorRT for RTX 1.7.1; its engines {NOT_RUN}",
    ),
    _jetson("xavier", "sm=72", "Jetson Xavier, sm 72", "agx-xavier", "xavier-nx"),
    _jetson("orin", "sm=87", "Jetson Orin, sm 87", "agx-orin", "orin-nx"),
    _jetson("thor", "gpu~=Thor", "Jetson Thor", "agx-thor"),
    _card("v100", "V100", "Tesla V100, sm 70", "tesla-v100", "volta"),
    _card("t4", "Tesla T4", "Tesla T4, sm 75", "tesla-t4"),
    _card("a10", "NVIDIA A10", "A10, sm 86"),
    _card("a100", "A100", "A100, sm 80"),
    _card("l4", "NVIDIA L4", "L4, sm 89"),
    _card("l40s", "L40S", "L40S, sm 89"),
    _card("h100", "H100", "H100, sm 90"),
    _card("h200", "H200", "H200, sm 90", tried=f"TensorRT 8.5.3.1; 10 and 11 {NOT_RUN}"),
    _card("b200", "B200", "B200, sm 100"),
    _card("rtx2060", "RTX 2060", "GeForce RTX 2060, sm 75", "2060"),
    _card("rtx2080ti", "RTX 2080 Ti", "GeForce RTX 2080 Ti, sm 75", "2080ti"),
    _card("rtx3060", "RTX 3060", "GeForce RTX 3060, sm 86", "3060"),
    _card("rtx3080", "RTX 3080", "GeForce RTX 3080, sm 86", "3080"),
    _card("rtx3090", "RTX 3090", "GeForce RTX 3090, sm 86", "3090"),
    _card("rtx4070", "RTX 4070", "GeForce RTX 4070, sm 89", "4070"),
    _card("rtx4080", "RTX 4080", "GeForce RTX 4080, sm 89", "4080"),
    _card("rtx4090", "RTX 4090", "GeForce RTX 4090, sm 89", "4090"),
    _card("rtx5080", "RTX 5080", "GeForce RTX 5080, sm 120", "5080"),
    _card("rtx5090", "RTX 5090", "GeForce RTX 5090, sm 120", "5090"),
)
