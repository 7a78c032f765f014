"""Names, digests and manifests: nothing that a client sends can leave its folder or its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.errors import BY_CODE, CoordinatorError, FarmError, Invalid, error_from_json
from farm.protocol.exits import PRECEDENCE, Exit, worst
from farm.protocol.keys import differences
from farm.protocol.model import GRAPH_FILE, FileRef, ModelManifest, check_digest, check_manifest, check_name
from farm.protocol.model import check_relative as relative
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.wakeup import prefix_of

from ..samples import key

DIGEST = "a" * 64


@pytest.mark.parametrize("name", ["weights.bin", "a/b/c.data", "ü.bin", "a b", "...x"])
def test_names_beside_the_model_are_taken(name: str) -> None:
    assert relative(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "C:x", "a\\b", "a\x00b", "x" * 513]
)
def test_names_that_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(Invalid, match="leaves the folder"):
        relative(name)


@given(st.text(max_size=12))
def test_a_name_that_is_taken_has_no_step_upwards(name: str) -> None:
    try:
        parts = relative(name).split("/")
    except Invalid:
        return
    assert not {"", ".", ".."} & set(parts)


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "ü", "-x", "x" * 129, "a:b", "x\n"])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(Invalid, match="cannot be a model name"):
        check_name(name, "model name")


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "g" * 64, DIGEST + "\n"])
def test_a_digest_is_64_lowercase_digits(text: str) -> None:
    with pytest.raises(Invalid, match="is not a sha256"):
        check_digest(text)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ((), "first file of a model must be"),
        ((FileRef("x.bin", 1, DIGEST),), "first file of a model must be"),
        ((FileRef(GRAPH_FILE, 1, DIGEST), FileRef(GRAPH_FILE, 1, DIGEST)), "same name"),
        ((FileRef(GRAPH_FILE, -1, DIGEST),), "cannot be negative"),
        ((FileRef(GRAPH_FILE, 1, "x"),), "is not a sha256"),
        ((FileRef(GRAPH_FILE, 1, DIGEST), FileRef("../x", 1, DIGEST)), "leaves the folder"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(files: Tuple[FileRef, ...], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        check_manifest(ModelManifest(files))


def test_a_model_is_named_by_its_files() -> None:
    manifest = ModelManifest((FileRef(GRAPH_FILE, 1, DIGEST), FileRef("w.bin", 2, "b" * 64)))
    assert check_manifest(manifest).size_bytes == 3
    others = [
        ModelManifest(manifest.files[:1]),
        ModelManifest((manifest.files[0], replace(manifest.files[1], name="v.bin"))),
        ModelManifest((manifest.files[0], replace(manifest.files[1], sha256=DIGEST))),
    ]
    assert len({item.digest for item in (manifest, *others)}) == 4


@pytest.mark.parametrize("device", ["a:b", "*", "a*", "", "-a", "x" * 64, "a b"])
def test_no_device_reaches_into_the_keys_of_another(device: str) -> None:
    with pytest.raises(Invalid, match="cannot name a device"):
        prefix_of(device)


def test_of_several_targets_the_first_of_the_promised_order_counts() -> None:
    assert [int(code) for code in PRECEDENCE] == [9, 6, 8, 3, 1, 5, 7]
    for index, code in enumerate(PRECEDENCE):
        assert worst([Exit.DONE, *PRECEDENCE[index:]]) is code
    assert worst([Exit.DONE]) is Exit.DONE
    assert worst([]) is Exit.DONE
    assert worst([Exit.NO_ENGINE, Exit.DONE]) is Exit.NO_ENGINE


@pytest.mark.parametrize("kind", BY_CODE.values())
def test_every_error_crosses_the_wire(kind: type) -> None:
    error: FarmError = kind("what is wrong", "What to do.", engine="eng-1")
    back = error_from_json(error.to_json())
    assert (type(back), str(back), back.details) == (kind, "what is wrong. What to do.", {"engine": "eng-1"})


@pytest.mark.parametrize("body", [None, [], {}, {"error": 1}, {"error": {"code": "invalid"}}, {"detail": "Not Found"}])
def test_an_answer_of_somebody_else_is_an_error_of_the_coordinator(body: object) -> None:
    assert type(error_from_json(body)) is CoordinatorError


def test_keys_are_told_apart_field_by_field() -> None:
    one, other = key(), key(options=BuildOptions(Precision.FP16, backend_options={"level": 5}))
    assert differences(one, one) == ()
    assert [(item.path, item.left, item.right) for item in differences(one, other)] == [
        ("options.backend_options.level", None, 5),
        ("options.precision", "fp32", "fp16"),
    ]
    assert one.digest != other.digest
