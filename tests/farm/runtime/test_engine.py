from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from farm.protocol.errors import Invalid, NotFound, Unsupported
from farm.runtime import Engine
from farm.runtime.dlpack.lend import lent_out

from ...support import models
from .bundles import HERE, IMAGES, bundle_in
from .dlpack.producer import Producer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    with Engine.open(bundle_in(tmp_path), HERE) as engine:
        yield engine


@pytest.fixture
def wanted(engine: Any) -> Any:
    return engine.session.run(IMAGES)


class Foreign:
    """An array of a library that is none: it has DLPack and nothing else."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __dlpack_device__(self) -> Any:
        return (1, 0)

    def __dlpack__(self, *, stream: Any = None) -> Any:
        return self.array.__dlpack__()


def test_an_engine_opens_by_its_folder_or_its_manifest(tmp_path: Path) -> None:
    bundle_in(tmp_path)
    for path in (tmp_path, str(tmp_path), tmp_path / "manifest.json"):
        with Engine.open(path, HERE) as engine:
            assert engine.manifest.model_name == "net"
            assert [spec.name for spec in engine.inputs] == ["images"]
            assert {spec.name for spec in engine.outputs} == {"logits", "features"}
            assert engine.profiles == ()
            assert engine.plugins_loaded() == {}
            assert engine.concurrent
    with pytest.raises(NotFound, match="farm fetch"):
        Engine.open(tmp_path / "nowhere", HERE)


def test_arrays_of_numpy_give_arrays_of_numpy(engine: Any, wanted: Any) -> None:
    outputs = engine.run(IMAGES)
    for name, array in outputs.items():
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, wanted[name])


def test_arrays_of_another_library_are_read_where_they_lie(engine: Any, wanted: Any) -> None:
    images = IMAGES["images"].copy()
    outputs = engine.run({"images": Foreign(images)})
    for name, lent in outputs.items():
        np.testing.assert_array_equal(np.from_dlpack(lent), wanted[name])
    images *= 2
    again = engine.run({"images": Foreign(images)}, like=np)
    np.testing.assert_array_equal(again["logits"], engine.session.run({"images": images})["logits"])
    del outputs, lent
    gc.collect()
    assert lent_out() == 0


def test_parts_and_other_orders_of_an_array_are_read_by_their_strides(engine: Any, wanted: Any) -> None:
    room = np.zeros((1, 16, 32, 6), np.float32)
    part = room.transpose(0, 3, 1, 2)[:, ::2, :, 3:19]
    part[...] = IMAGES["images"]
    np.testing.assert_array_equal(engine.run({"images": Foreign(part)}, like=np)["logits"], wanted["logits"])


def test_outputs_are_written_into_arrays_that_are_there(engine: Any, wanted: Any) -> None:
    room = {name: np.full_like(array, 7) for name, array in wanted.items()}
    places = {name: array.ctypes.data for name, array in room.items()}
    assert engine.infer_into(IMAGES, room) == {name: array.shape for name, array in wanted.items()}
    for name, array in room.items():
        assert array.ctypes.data == places[name]
        np.testing.assert_array_equal(array, wanted[name])
    one = {"logits": np.zeros_like(wanted["logits"])}
    assert set(engine.infer_into(IMAGES, {"logits": Foreign(one["logits"])})) == {"logits"}
    np.testing.assert_array_equal(one["logits"], wanted["logits"])


def test_an_output_of_unknown_size_takes_the_beginning_of_its_array(tmp_path: Path) -> None:
    corners = np.random.default_rng(1).random((1, 20, 2)).astype(np.float32)
    inputs = {
        "boxes": np.concatenate([corners, corners + 0.2], axis=2),
        "scores": np.random.default_rng(2).random((1, 1, 20)).astype(np.float32),
    }
    with Engine.open(bundle_in(tmp_path, models.nms_net()), HERE) as engine:
        wanted = engine.run(inputs)
        (name,) = (spec.name for spec in engine.outputs if -1 in spec.shape)
        assert wanted[name].size
        room = np.full(wanted[name].size + 5, -3, wanted[name].dtype)
        assert engine.infer_into(inputs, {name: room}) == {name: wanted[name].shape}
        np.testing.assert_array_equal(room[:-5].reshape(wanted[name].shape), wanted[name])
        assert (room[-5:] == -3).all()
        with pytest.raises(Invalid, match=f"{name!r} has .* bytes, the output takes {wanted[name].nbytes}"):
            engine.infer_into(inputs, {name: room[: wanted[name].size - 1]})


def test_outputs_of_known_and_of_unknown_size_beside_each_other(tmp_path: Path) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["places"]), helper.make_node("Neg", ["x"], ["less"])]
    shapes = {"places": ("int64", [1, "count"]), "less": ("float32", [4])}
    x = np.array([0, 3, 0, 5], np.float32)
    with Engine.open(bundle_in(tmp_path, models.model(nodes, {"x": ("float32", [4])}, shapes, {})), HERE) as engine:
        room = {"places": np.full(4, -1, np.int64), "less": np.zeros(4, np.float32)}
        assert engine.infer_into({"x": x}, room) == {"places": (1, 2), "less": (4,)}
        np.testing.assert_array_equal(room["places"], [1, 3, -1, -1])
        np.testing.assert_array_equal(room["less"], -x)
        room["less"] = np.zeros(4, np.float32)
        found = engine.session.exchange({"x": x}, {"less": room["less"]})
        np.testing.assert_array_equal(found["places"], [[1, 3]])
        assert found["less"] is room["less"]
        np.testing.assert_array_equal(room["less"], -x)


def refused_buffers() -> Any:
    logits = np.zeros((1, 10), np.float32)
    read_only = logits.copy()
    read_only.flags.writeable = False
    return [
        ("logit", logits, "no output 'logit'"),
        ("logits", logits.astype(np.float64), "is float32, its array is float64"),
        ("logits", np.zeros((1, 11), np.float32), "has the shape 1x10, its array 1x11"),
        ("logits", np.zeros((1, 20), np.float32)[:, ::2], "cannot be written into as it lies"),
        ("logits", read_only, "cannot be written into as it lies"),
        ("logits", [0.0] * 10, "is given a list"),
    ]


@pytest.mark.parametrize(("name", "buffer", "said"), refused_buffers())
def test_arrays_that_an_output_cannot_go_into_are_refused(engine: Any, name: Any, buffer: Any, said: Any) -> None:
    with pytest.raises(Invalid, match=said):
        engine.infer_into(IMAGES, {name: buffer})


@pytest.mark.parametrize(
    ("producer", "said"),
    [
        (Producer(kind=(2, 0)), r"input 'images' lies on GPU 0, and the engine runs on the processor"),
        (Producer(kind=(13, 2)), r"lies on GPU 2"),
        (Producer(kind=(8, 0)), r"lies on a device of DLPack's kind 8"),
        (Producer(dtype=(4, 16, 1)), r"is bfloat16, a type that engines do not exchange"),
        (Producer(dtype=(2, 32, 4)), r"is float32 x 4"),
        (Producer(), r"input 'images' is int16, the engine takes float32"),
        (Producer(shape=(2, 2), dtype=(2, 32, 1)), r"has the shape 2x2, the engine takes 1x3x16x16"),
    ],
)
def test_arrays_that_the_engine_cannot_read_are_refused_and_given_back(engine: Any, producer: Any, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        engine.run({"images": producer})
    gc.collect()
    assert producer.given_back == [producer.address]


def test_what_is_no_array_is_refused(engine: Any) -> None:
    for wrong in ([1.0], "images", None):
        with pytest.raises((Invalid, Unsupported), match="not an array"):
            engine.run({"images": wrong})


def test_threads_share_an_engine(engine: Any) -> None:
    def check(seed: Any) -> None:
        images = np.random.default_rng(seed).standard_normal((1, 3, 16, 16)).astype(np.float32)
        room = np.zeros((1, 10), np.float32)
        engine.infer_into({"images": Foreign(images)}, {"logits": room})
        np.testing.assert_array_equal(room, engine.run({"images": images})["logits"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, range(40)))


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    engine = Engine.open(bundle_in(tmp_path), HERE)
    kept = engine.run({"images": Foreign(IMAGES["images"])})
    engine.close()
    engine.close()
    with pytest.raises(Invalid, match="closed"):
        engine.run(IMAGES)
    assert np.isfinite(np.from_dlpack(kept["logits"])).all()
