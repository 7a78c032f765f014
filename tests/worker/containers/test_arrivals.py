from __future__ import annotations

import json
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from worker.containers.arrivals import Arrivals


def named(name: object) -> bytes:
    return json.dumps({"name": name}).encode()


def test_files_are_written_under_their_names(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path, 100)
    for name, pieces in (("output/a/engine.plan", [b"en", b"gine"]), ("output/empty", []), ("result.json", [b"{}"])):
        arrivals.begin(named(name))
        for piece in pieces:
            arrivals.take(piece)
    arrivals.close()
    assert (tmp_path / "output/a/engine.plan").read_bytes() == b"engine"
    assert (tmp_path / "output/empty").read_bytes() == b""
    assert (tmp_path / "result.json").read_bytes() == b"{}"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "output/../spec.json", "spec.json", "input/a", "output", ""])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        Arrivals(tmp_path, 100).begin(named(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("told", [b"{", b"[]", b"null", b'{"file": 1}'])
def test_a_file_without_a_name_is_refused(tmp_path: Path, told: bytes) -> None:
    with pytest.raises(Invalid, match="without a name"):
        Arrivals(tmp_path, 100).begin(told)


def test_a_link_that_is_there_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "result.json").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic"):
        Arrivals(tmp_path, 100).begin(named("result.json"))
    assert (tmp_path / "outside").read_text() == "mine"


def test_all_of_them_have_so_many_bytes_and_no_more(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path, 10)
    with pytest.raises(Invalid):
        arrivals.take(b"of no file")
    arrivals = Arrivals(tmp_path, 10)
    for name in ("output/a", "output/b"):
        arrivals.begin(named(name))
        arrivals.take(b"12345")
    with pytest.raises(Invalid, match="more than"):
        arrivals.take(b"6")
    arrivals.close()
