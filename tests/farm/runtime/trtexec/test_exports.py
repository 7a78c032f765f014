"""The files of trtexec: read where they are whole, refused where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import BuildFailed, Unsupported
from farm.runtime.trtexec.exports import read_printed, read_profile, read_raw, read_times

# As `exportJSONOutput` and `dumpBuffer` of 8.5.3 write it.
PRINTED = """[
  { "name" : "y"
  , "dimensions" : "2x2"
  , "values" : [ 1.25, -0.000123457, nan, inf ]
  }
, { "name" : "count:0"
  , "dimensions" : ""
  , "values" : [ 2147483647 ]
  }
, { "name" : "mask"
  , "dimensions" : "3"
  , "values" : [ 0, 1, 1 ]
  }
]
"""
Y, COUNT, MASK = (
    TensorSpec("y", "float32", (-1, 2)),
    TensorSpec("count:0", "int32", ()),
    TensorSpec("mask", "bool", (3,)),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "file.json"
    path.write_text(text)
    return path


def test_printed_outputs_are_arrays_of_their_types(tmp_path: Path) -> None:
    found = read_printed(written(tmp_path, PRINTED), (Y, COUNT, MASK))
    assert found["y"].dtype == np.float32
    np.testing.assert_array_equal(found["y"], np.array([[1.25, -0.000123457], [np.nan, np.inf]], np.float32))
    assert (found["count:0"].shape, int(found["count:0"]), found["count:0"].dtype) == ((), 2**31 - 1, np.int32)
    assert found["mask"].tolist() == [False, True, True]


@pytest.mark.parametrize("end", [12, 60, 80, 110])
def test_a_file_that_is_cut_off_is_not_believed(tmp_path: Path, end: int) -> None:
    with pytest.raises(BuildFailed, match=r"its file\.json is cut off"):
        read_printed(written(tmp_path, PRINTED[:end]), (Y,))


def test_elements_that_are_missing_are_missed(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="holds 3 of 4 elements of the output 'y'"):
        read_printed(written(tmp_path, PRINTED.replace(", inf", "")), (Y,))
    with pytest.raises(BuildFailed, match="holds what is no number"):
        read_printed(written(tmp_path, PRINTED.replace("inf", "?")), (Y,))


def test_an_output_whose_size_nobody_told_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="does not hold the output 'y'"):
        read_printed(written(tmp_path, PRINTED.replace("2x2", "-1x2")), (Y,))


def test_bytes_are_printed_as_characters_and_so_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="'y' of uint8"):
        read_printed(written(tmp_path, PRINTED), (TensorSpec("y", "uint8", (2, 2)),))


def test_raw_outputs_keep_every_bit(tmp_path: Path) -> None:
    values = np.array([[1 / 3, -2e-7]], np.float32)
    (tmp_path / "out_0.output.1.2.Float.raw").write_bytes(values.tobytes())
    (tmp_path / "in.input.1.Float.raw").write_bytes(b"1234")
    found = read_raw(tmp_path, (TensorSpec("out:0", "float32", (1, 2)),))
    assert found["out:0"].tobytes() == values.tobytes()
    assert found["out:0"].flags.writeable


def test_raw_files_are_counted(tmp_path: Path) -> None:
    spec = TensorSpec("y", "float32", (2,))
    with pytest.raises(BuildFailed, match="is missing"):
        read_raw(tmp_path, (spec,))
    path = tmp_path / "y.output.2.Float.raw"
    path.write_bytes(b"1234567")
    with pytest.raises(BuildFailed, match="has 7 of 8 bytes"):
        read_raw(tmp_path, (spec,))


def test_two_names_that_become_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "y_0.output.1.Float.raw").write_bytes(b"1234")
    both = (TensorSpec("y:0", "float32", (1,)), TensorSpec("y/0", "float32", (1,)))
    with pytest.raises(Unsupported, match="more than one output as 'y_0'"):
        read_raw(tmp_path, both)


@pytest.mark.parametrize("text", ["", "[", "[ ]", '[ { "count" : 1 } ]', '{ "latencyMs" : 1 }'])
def test_times_that_are_not_whole_are_not_believed(tmp_path: Path, text: str) -> None:
    with pytest.raises(BuildFailed, match=r"its file\.json"):
        read_times(written(tmp_path, text))


def test_a_profile_is_sorted_by_time(tmp_path: Path) -> None:
    text = '[\n  { "count" : 2 }\n, { "name" : "a", "averageMs" : 1 }\n, { "name" : "b", "averageMs" : 3 }\n]\n'
    assert [layer["name"] for layer in read_profile(written(tmp_path, text))] == ["b", "a"]
