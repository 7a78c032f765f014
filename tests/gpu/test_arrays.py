"""Arrays that lie on the GPU: read and written where they are, in the order of the streams, and given back once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.target import BuildTarget
from farm.runtime.cuda.device import Device
from farm.runtime.dlpack import borrow
from farm.runtime.dlpack.lend import lent_out
from farm.runtime.engine import Engine
from farm.runtime.session import Session
from farm.runtime.values import Rest

from .engines import engine_of, matrix_net, nonzero_net, product, some
from .foreign import Foreign, on_host
from .test_session import close


@pytest.fixture(autouse=True)
def _gpu() -> Iterator[None]:
    device = Device()
    with device.current():
        yield
    gc.collect()
    assert lent_out() == 0
    device.close()


def engine(session: Session) -> Engine:
    """As `Engine.open` makes it; there is no manifest here."""
    return Engine(session, None, {})  # type: ignore[arg-type]  # nothing here asks what it is


def values(lent: Any) -> Any:
    """Of an output that was left on the GPU."""
    found = borrow(lent, 1)
    return on_host(found.address, found.shape, found.dtype)


def test_inputs_are_read_where_they_lie_and_outputs_stay_on_the_gpu(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as session:
        for seed in range(3):
            x = some(4, 16, seed=seed)
            foreign = Foreign(x)
            outputs = engine(session).run({"x": foreign})
            assert session._lanes[0]._execution._context.get_tensor_address("x") == foreign.address  # type: ignore[attr-defined]
            assert foreign.asked == [session._lanes[0].stream.handle]  # type: ignore[attr-defined]
            assert outputs["y"].__dlpack_device__() == (2, 0)
            close(values(outputs["y"]), product(x))
            close(values(outputs["twice"]), 2 * product(x))


def test_what_the_owner_still_has_to_write_is_waited_for(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as session:
        foreign = Foreign(np.zeros((4, 16), np.float32))
        for seed in range(5):
            x = some(4, 16, seed=seed)
            foreign.write(x, after_ms=20)
            close(values(engine(session).run({"x": foreign})["y"]), product(x))


def test_outputs_are_written_into_arrays_of_the_caller(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as session:
        on_gpu, on_cpu = Foreign(np.zeros((4, 8), np.float32)), np.zeros((4, 8), np.float32)
        for seed in range(3):
            x = some(4, 16, seed=seed)
            for given in (x, Foreign(x)):
                shapes = engine(session).infer_into({"x": given}, {"y": on_gpu, "twice": on_cpu})
                assert shapes == {"y": (4, 8), "twice": (4, 8)}
                close(on_gpu.numpy(), product(x))
                close(on_cpu, 2 * product(x))


def test_arrays_of_both_kinds_take_turns_at_every_shape(tmp_path: Path, target: BuildTarget) -> None:
    profile = {"x": ShapeRange((1, 16), (4, 16), (128, 16))}
    with engine_of(tmp_path, matrix_net("batch"), target, profile) as session:
        for batch in (1, 1, 128, 3, 128, 4):
            x = some(batch, 16, seed=batch)
            close(engine(session).run({"x": x})["y"], product(x))
            close(values(engine(session).run({"x": Foreign(x)})["y"]), product(x))
            close(session.exchange({"x": Foreign(x)}, rest=Rest.HOST)["y"], product(x))


def test_an_output_of_unknown_size_stays_on_the_gpu_or_goes_where_there_is_room(
    tmp_path: Path, target: BuildTarget
) -> None:
    with engine_of(tmp_path, nonzero_net(), target) as session:
        room, small = (Foreign(np.zeros(size, np.int32)) for size in (128, 4))
        on_cpu = np.zeros(200, np.int32)
        for x in (some(4, 16), -np.ones((4, 16), np.float32), np.ones((4, 16), np.float32), some(4, 16, seed=3)):
            wanted = np.array(np.nonzero(x > 0), np.int32)
            np.testing.assert_array_equal(values(engine(session).run({"x": Foreign(x)})["places"]), wanted)
            # TensorRT asks for more than it writes, so that an array of the very size is not what it writes into.
            exact = Foreign(np.zeros(wanted.size, np.int32))
            for given, into in ((x, room), (Foreign(x), room), (x, exact), (Foreign(x), exact)):
                assert engine(session).infer_into({"x": given}, {"places": into}) == {"places": wanted.shape}
                np.testing.assert_array_equal(into.numpy()[: wanted.size].reshape(wanted.shape), wanted)
            for given in (x, Foreign(x)):
                assert engine(session).infer_into({"x": given}, {"places": on_cpu}) == {"places": wanted.shape}
                np.testing.assert_array_equal(on_cpu[: wanted.size].reshape(wanted.shape), wanted)
            if wanted.size > 4:
                with pytest.raises(Invalid, match=f"'places' has 16 bytes, the output takes {wanted.nbytes}"):
                    engine(session).infer_into({"x": x}, {"places": small})
            np.testing.assert_array_equal(session.run({"x": x})["places"], wanted)


def test_threads_each_with_arrays_of_their_own(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as session:

        def check(seed: int) -> None:
            device = Device()
            x = some(4, 16, seed=seed)
            with device.current():
                close(values(engine(session).run({"x": Foreign(x)})["y"]), product(x))
            device.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(check, range(100)))


def test_arrays_that_the_gpu_cannot_read_are_refused(tmp_path: Path, target: BuildTarget) -> None:
    x = some(4, 16)
    with engine_of(tmp_path, matrix_net(), target) as session:
        for wrong, said in (
            (Foreign(x, ordinal=1), "lies on GPU 1, and the engine runs on GPU 0"),
            (Foreign(x, shift_bytes=4), "no multiple of 256 bytes"),
            (Foreign(x.astype(np.float64)), "is float64"),
            (Foreign(some(5, 16)), "takes 4x16"),
        ):
            with pytest.raises(Invalid, match=said):
                engine(session).run({"x": wrong})
        with pytest.raises(Invalid, match="has the shape 4x8, its array 4x9"):
            engine(session).infer_into({"x": x}, {"y": Foreign(some(4, 9))})
        close(session.run({"x": x})["y"], product(x))


def test_outputs_outlive_the_engine_and_are_freed_with_their_last_user(tmp_path: Path, target: BuildTarget) -> None:
    device, x = Device(), Foreign(some(4, 16))
    free = []
    with engine_of(tmp_path, matrix_net(), target) as session:
        for _ in range(3):
            kept = [engine(session).run({"x": x}) for _ in range(200)]
            held = [borrow(item["y"], 1) for item in kept]
            del kept
            assert lent_out() == len(held)
            del held
            free.append(device.memory()[0])
        last = engine(session).run({"x": x})["y"]
    assert free[-1] >= free[0] - (1 << 21)
    close(values(last), product(some(4, 16)))
    device.close()
