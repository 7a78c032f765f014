from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from farm.protocol.errors import Invalid, NotFound
from farm.protocol.options import ReferencePolicy
from farm.runtime.arrays import save_arrays
from tests.support import models
from worker.host.graph.model import Model
from worker.host.reference.inputs import reference_inputs

from ..broken import CONTRADICTING

GIB = 1 << 30
DIGEST = "0" * 64


def inputs(
    proto: ModelProto, folder: Path, policy: ReferencePolicy | None = None, arrays: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    file = None
    if arrays is not None:
        file = folder / "given.npz"
        save_arrays(file, arrays)
    return reference_inputs(Model(proto, folder, large=False), policy or ReferencePolicy(), file, GIB)


def test_everything_can_come_from_the_model(tmp_path: Path) -> None:
    found = inputs(models.conv_net(batch="batch"), tmp_path)
    assert {name: array.shape for name, array in found.items()} == {"images": (1, 3, 16, 16)}


def test_value_range_and_shape_are_the_users(tmp_path: Path) -> None:
    policy = ReferencePolicy(values={"scale": 2.5}, ranges={"ids": (40, 45)}, shapes={"ids": (2, 9)})
    found = inputs(models.embedding_net(), tmp_path, policy)
    assert list(found) == ["ids", "scale"]
    assert found["scale"] == np.float32(2.5)
    assert found["ids"].shape == (2, 9)
    assert 40 <= found["ids"].min() <= found["ids"].max() <= 45


def test_given_arrays_are_taken_and_tell_the_shape_of_the_others(tmp_path: Path) -> None:
    given = {"ids": np.array([[7, 8, 9]])}
    found = inputs(models.embedding_net(), tmp_path, arrays=given)
    assert found["ids"].tolist() == [[7, 8, 9]]
    assert found["scale"].shape == ()


@pytest.mark.parametrize(
    ("policy", "arrays", "sentence"),
    [
        (ReferencePolicy(), None, "takes any size of ids [batch, length]"),
        (ReferencePolicy(values={"speed": 1}), None, "--value names 'speed', which is no input"),
        (ReferencePolicy(ranges={"speed": (0, 1)}), None, "--range names 'speed', which is no input"),
        (ReferencePolicy(values={"ids": 1}, ranges={"ids": (0, 1)}), None, "'ids' has a value and a range"),
        (ReferencePolicy(shapes={"ids": (1, 4)}, ranges={"ids": (5, 1)}), None, "the range of input 'ids' is (5, 1)"),
        (ReferencePolicy(shapes={"ids": (1, 4)}, ranges={"ids": (5,)}), None, "the range of input 'ids' is (5,)"),
        (ReferencePolicy(), {"odd": np.zeros(1)}, "the model has no input 'odd'"),
        (ReferencePolicy(), {"ids": np.zeros((1, 4), np.float32)}, "input 'ids' is float32, the engine takes int64"),
        (ReferencePolicy(), {"ids": np.zeros(4, np.int64)}, "input 'ids' has 2 axes"),
        (ReferencePolicy(shapes={"ids": (1, 5)}), {"ids": np.zeros((1, 4), np.int64)}, "in the file and 1x5 in"),
    ],
)
def test_a_word_that_does_not_fit_is_one_sentence(
    policy: ReferencePolicy, arrays: Mapping[str, Any] | None, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(Invalid) as caught:
        inputs(models.embedding_net(), tmp_path, policy, arrays)
    assert sentence in caught.value.message


@pytest.mark.parametrize("what", ["absurd input", "absurd inner value"])
def test_a_graph_that_no_host_can_hold_is_refused_before_anything_is_allocated(what: str, tmp_path: Path) -> None:
    make, sentence = CONTRADICTING[what]
    with pytest.raises(Invalid) as caught:
        inputs(make(), tmp_path)
    assert sentence in caught.value.message
    assert "a preparation may take 1.0 GiB here" in caught.value.message
    assert "--shapes" in caught.value.hint


def test_a_shape_of_the_user_can_be_absurd_too(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="a preparation may take"):
        inputs(models.embedding_net(), tmp_path, ReferencePolicy(shapes={"ids": (1 << 20, 1 << 20)}))


def test_an_input_of_a_gibibyte_needs_more_than_a_gibibyte_with_what_follows(tmp_path: Path) -> None:
    policy = ReferencePolicy(shapes={"ids": (1, 16 << 20)})
    with pytest.raises(Invalid, match=r"the value 'rows' of 1x16777216x16 needs 1\.0 GiB"):
        inputs(models.embedding_net(), tmp_path, policy)


def test_a_damaged_file_of_arrays_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 nonsense")
    model = Model(models.embedding_net(), tmp_path, large=False)
    with pytest.raises(Invalid, match=r"broken\.npz cannot be read as arrays"):
        reference_inputs(model, ReferencePolicy(inputs=DIGEST), broken, GIB)
    with pytest.raises(NotFound):
        reference_inputs(model, ReferencePolicy(inputs=DIGEST), tmp_path / "none.npz", GIB)
