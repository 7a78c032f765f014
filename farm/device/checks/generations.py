"""Which versions of TensorRT, of its headers and of nvcc go with a card. Pure; from NVIDIA's release notes.

Volta ended with TensorRT 10.4 and Xavier with 8.5.2 (JetPack 5); Blackwell began with 10.8. CUDA 13's nvcc refuses both
of the old ones.
"""

from __future__ import annotations

from typing import Optional, Tuple

Version = Tuple[int, ...]

_VOLTA, _XAVIER, _TURING, _BLACKWELL = (7, 0), (7, 2), (7, 5), (10, 0)
_LAST_FOR_VOLTA, _LAST_FOR_XAVIER, _FIRST_FOR_BLACKWELL = (10, 4), (8, 5), (10, 8)
_LAST_NVCC_FOR_VOLTA = 12


def numbers(version: str) -> Version:
    """The numbers of a version, as far as it has any: `8.5.2.2` is (8, 5, 2, 2)."""
    parts = []
    for part in version.split("."):
        if not part.isdigit():
            break
        parts.append(int(part))
    return tuple(parts)


def tensorrt_problem(compute_capability: str, version: str) -> Optional[str]:
    """Why this TensorRT cannot build for this card, or None."""
    card, release = numbers(compute_capability), numbers(version)[:2]
    if card == _XAVIER and release > _LAST_FOR_XAVIER:
        return "JetPack 5, and with it TensorRT 8.5.2, is the last for Xavier"
    if card < _TURING and card != _XAVIER and release > _LAST_FOR_VOLTA:
        return "TensorRT 10.4 is the last for Volta"
    if card >= _BLACKWELL and release < _FIRST_FOR_BLACKWELL:
        return "Blackwell needs TensorRT 10.8 or later"
    return None


def nvcc_problem(compute_capability: str, version: str) -> Optional[str]:
    """Why this nvcc cannot compile for this card, or None."""
    if numbers(compute_capability) in (_VOLTA, _XAVIER) and numbers(version)[:1] > (_LAST_NVCC_FOR_VOLTA,):
        return f"nvcc {version} refuses sm_{compute_capability.replace('.', '')}: CUDA 12.9 is the last that takes it"
    return None
