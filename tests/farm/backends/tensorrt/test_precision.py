"""What a precision word becomes on three generations, and on cards that lack it."""

from __future__ import annotations

import pytest

from farm.backends.tensorrt import capabilities_of
from farm.backends.tensorrt.precision import FLAGS, Types, meaning, possible
from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision

VERSIONS = [("8.5.2.2", False), ("8.6.1", False), ("10.4.0", False), ("11.4.0.106", False), ("1.7.1.116", True)]


@pytest.mark.parametrize(("version", "rtx"), VERSIONS)
def test_a_version_has_every_flag_its_precisions_set(version: str, rtx: bool) -> None:
    can = capabilities_of(version, rtx)
    for word in possible(can):
        flags = meaning(word, can, "9.0", calibrated=True).flags
        assert set(flags) <= can.builder_flags & set(FLAGS)


def test_old_versions_choose_by_flag_and_new_ones_find_it_in_the_graph() -> None:
    old, new = capabilities_of("10.16.1.11"), capabilities_of("11.0.0.114")
    assert meaning(Precision.FP16, old).flags == ("TF32", "FP16")
    assert meaning(Precision.FP16, old).types is Types.AS_EXPORTED
    assert (meaning(Precision.FP16, new).flags, meaning(Precision.FP16, new).types) == (("TF32",), Types.FLOAT16)


def test_float32_is_float32() -> None:
    for version, rtx in VERSIONS:
        what = meaning(Precision.FP32, capabilities_of(version, rtx))
        assert (what.flags, what.types, what.mechanism) == ((), Types.AS_EXPORTED, "builder flag TF32 cleared")


def test_int8_is_in_the_graph_in_every_version() -> None:
    assert {meaning(Precision.INT8, capabilities_of(*version)).types for version in VERSIONS} == {Types.INT8}


@pytest.mark.parametrize(
    ("version", "word", "told"),
    [
        ("8.5.2.2", Precision.BF16, "TensorRT 8.5.2.2 cannot build --precision bf16: it begins with TensorRT 10"),
        ("8.6.1", Precision.FP8, "TensorRT 8.6.1 cannot build --precision fp8: it begins with TensorRT 10"),
    ],
)
def test_a_version_that_lacks_it_says_since_when(version: str, word: Precision, told: str) -> None:
    with pytest.raises(Unsupported, match=told) as refused:
        meaning(word, capabilities_of(version))
    assert "fp32, tf32, fp16, int8, mix, best" in refused.value.hint


@pytest.mark.parametrize(
    ("word", "lacking", "having"), [("tf32", "7.5", "8.0"), ("bf16", "7.0", "8.7"), ("fp8", "8.6", "8.9")]
)
def test_a_card_that_lacks_it_says_since_when(word: str, lacking: str, having: str) -> None:
    can = capabilities_of("10.4.0")
    assert meaning(Precision(word), can, having)
    with pytest.raises(Unsupported, match=f"{word} begins with compute capability .*, this is {lacking}"):
        meaning(Precision(word), can, lacking)


def test_best_takes_what_card_and_samples_allow() -> None:
    can = capabilities_of("10.4.0")
    assert meaning(Precision.BEST, can, "7.0").flags == ("TF32", "FP16")
    assert meaning(Precision.BEST, can, "8.9").flags == ("TF32", "FP16", "BF16")
    assert meaning(Precision.BEST, can, "8.9", calibrated=True).flags == ("TF32", "FP16", "BF16", "INT8")
    assert meaning(Precision.BEST, capabilities_of("8.5.2.2"), "7.2", calibrated=True).types is Types.INT8
    assert meaning(Precision.BEST, capabilities_of("11.4.0"), "8.9", calibrated=True).types is Types.INT8


def test_mix_is_in_the_graph_and_each_version_is_held_to_it() -> None:
    old, middle, new = (meaning(Precision.MIX, capabilities_of(version)) for version in ("8.5.2.2", "10.4.0", "11.4.0"))
    assert {what.types for what in (old, middle, new)} == {Types.MIXED}
    assert (old.typed, old.flags) == (False, ("TF32", "FP16", "OBEY_PRECISION_CONSTRAINTS"))
    # A typed network takes no flag that would let the builder choose.
    assert (middle.typed, middle.flags) == (new.typed, new.flags) == (True, ("TF32",))
    assert not meaning(Precision.FP16, capabilities_of("10.4.0")).typed
