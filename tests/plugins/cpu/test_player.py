"""What plays CUDA does what CUDA does, and says what CUDA forbids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from .kernels import KernelDied, Kernels, Output

SAMPLES = Path(__file__).parent / "samples/kernel.cu"


@pytest.fixture(scope="module")
def samples() -> Iterator[Kernels]:
    with Kernels(SAMPLES) as kernels:
        yield kernels


def test_threads_of_a_block_meet_at_a_barrier(samples: Kernels) -> None:
    values = np.arange(7 * 128, dtype=np.float32)
    (found,) = samples.call("sample_reversed", values, Output((7, 128), np.float32), 7)
    np.testing.assert_array_equal(found, values.reshape(7, 128)[:, ::-1])


def test_a_missing_barrier_is_seen(samples: Kernels) -> None:
    values = np.arange(6 * 128, dtype=np.float32)
    (found,) = samples.call("sample_races", values, Output((6, 128), np.float32), 6)
    assert not np.array_equal(found, values.reshape(6, 128)[:, ::-1])


@pytest.mark.parametrize(
    ("symbol", "said"),
    [
        ("past_the_end", "heap-buffer-overflow"),
        ("past_dynamic_shared", "heap-buffer-overflow"),
        ("past_static_shared", "out of bounds"),
        ("not_aligned", "misaligned address"),
        ("barrier_of_some", "a barrier was reached by 63 of 64 threads; 1 have ended"),
        ("two_barriers", "wait at different barriers"),
        ("lane_that_left", "lanes 00000020 of mask ffffffff never came"),
        ("lane_not_asked", "which is not in mask 0000ffff"),
        ("overflows", "signed integer overflow"),
    ],
)
def test_what_cuda_forbids_ends_the_process_with_a_sentence(samples: Kernels, symbol: str, said: str) -> None:
    size = 64 if "barrier" in symbol else 32
    with pytest.raises(KernelDied) as failed:
        samples.call(f"sample_{symbol}", Output((size,), np.float32))
    assert said in str(failed.value)
    # and the next call finds a new process
    samples.call("sample_warp_talk", Output((32, 8), np.int32))


def test_lanes_of_a_warp_talk(samples: Kernels) -> None:
    (found,) = samples.call("sample_warp_talk", Output((32, 8), np.int32))
    lane = np.arange(32)
    np.testing.assert_array_equal(found[:, 0], 496)
    np.testing.assert_array_equal(found[:, 1], np.maximum(lane - 1, 0))
    np.testing.assert_array_equal(found[:, 2], np.where(lane % 8 < 5, lane + 3, lane))
    np.testing.assert_array_equal(found[:, 3], np.int32(-1431655766))
    np.testing.assert_array_equal(found[:, 4], 2)
    np.testing.assert_array_equal(found[:, 5], lane // 8 * 8 + 1)
    np.testing.assert_array_equal(found[:, 6], 311)
    np.testing.assert_array_equal(found[:8, 7], 7)


def test_blocks_that_wait_for_each_other_go_on(samples: Kernels) -> None:
    outputs = samples.call("sample_chained", *(Output((count,), np.int32) for count in (1, 50, 50)), 50)
    np.testing.assert_array_equal(outputs[2], np.arange(1, 51))


def test_a_product_of_fragments(samples: Kernels) -> None:
    random = np.random.default_rng(7)
    left, right = (random.integers(-8, 8, (16, 16)).astype(np.float16) for _ in range(2))
    (found,) = samples.call("sample_product", left, right, Output((16, 16), np.float32))
    np.testing.assert_array_equal(found, left.astype(np.float32) @ right.T.astype(np.float32) + 1)


def test_halves_are_those_of_numpy(samples: Kernels) -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    random = np.random.default_rng(8).standard_normal(1 << 16) * 10.0 ** np.tile(np.arange(-8, 8), 1 << 12)
    with np.errstate(over="ignore", invalid="ignore"):
        between = (every[:-1].astype(np.float64) + every[1:]) / 2  # ties
        values = np.concatenate([every, between, random]).astype(np.float32)
        expected = values.astype(np.float16)
    found, back = samples.call(
        "sample_to_half", values, Output(values.shape, np.float16), Output(values.shape, np.float32), values.size
    )
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found[: 1 << 15]), np.signbit(expected[: 1 << 15]))
    np.testing.assert_array_equal(back, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ((0, 1, 32, 0), 0),  # nothing to do is no launch
        ((1, 0, 32, 0), 0),
        ((1, 70_000, 32, 0), 9),
        ((1, 1, 2048, 0), 9),
        ((1, 1, 32, 1 << 20), 1),
    ],
)
def test_a_launch_that_no_card_takes_is_an_error(samples: Kernels, shape: tuple[int, ...], status: int) -> None:
    assert samples.status("sample_launch", *shape) == status
