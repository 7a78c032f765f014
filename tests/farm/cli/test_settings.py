"""Flag, then environment, then file; secrets stay with their coordinator and their owner."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Dict

import pytest

from farm.cli.settings import check_url, load, save
from farm.protocol.errors import CoordinatorError, Invalid, Unauthorized


@pytest.fixture
def home(tmp_path: Path) -> Dict[str, str]:
    return {"HOME": str(tmp_path)}


def _file(home: Dict[str, str]) -> Path:
    return Path(home["HOME"]) / ".config" / "farm" / "config.toml"


def test_a_flag_goes_before_the_environment_and_that_before_the_file(home: Dict[str, str]) -> None:
    assert (load(home).url, load(home).source) == ("", "nobody")
    save(_file(home), "default", "http://file:1/", "t-file")
    assert (load(home).url, load(home).token, load(home).source) == ("http://file:1", "t-file", str(_file(home)))
    environ = {**home, "FARM_URL": "http://env:2", "FARM_TOKEN": "t-env"}
    assert (load(environ).url, load(environ).token, load(environ).source) == ("http://env:2", "t-env", "environment")
    flagged = load(environ, url="https://flag:3/", token="t-flag")
    assert (flagged.url, flagged.token, flagged.source) == ("https://flag:3", "t-flag", "flag")


def test_a_stored_token_is_never_sent_elsewhere(home: Dict[str, str]) -> None:
    save(_file(home), "default", "http://file:1", "t-file")
    assert load(home, url="http://elsewhere:1").token == ""
    assert load({**home, "FARM_URL": "http://elsewhere:1"}).token == ""
    assert load({**home, "FARM_URL": "http://file:1/"}).token == "t-file"


def test_what_lacks_is_said_with_the_way_to_set_it(home: Dict[str, str]) -> None:
    with pytest.raises(CoordinatorError, match="farm configure, or set FARM_URL and FARM_TOKEN"):
        load(home).checked()
    with pytest.raises(CoordinatorError, match="--profile lab"):
        load({**home, "FARM_PROFILE": "lab"}).checked()
    with pytest.raises(Unauthorized, match="no token is set for http://env:2"):
        load({**home, "FARM_URL": "http://env:2"}).checked()


def test_profiles_stand_beside_each_other(home: Dict[str, str]) -> None:
    save(_file(home), "default", "http://one:1", "t1")
    save(_file(home), "the lab", "http://two:2", 'quo"te\\')
    assert load(home).token == "t1"
    assert load(home, profile="the lab").token == 'quo"te\\'
    assert load({**home, "FARM_PROFILE": "the lab"}).url == "http://two:2"


def test_the_file_is_for_its_owner_alone(home: Dict[str, str]) -> None:
    os.umask(0)
    save(_file(home), "default", "http://one:1", "t1")
    os.umask(0o022)
    assert stat.S_IMODE(_file(home).stat().st_mode) == 0o600
    _file(home).chmod(0o644)
    with pytest.raises(Invalid, match="chmod 600"):
        load(home)


@pytest.mark.parametrize(
    "text", ["not toml", 'url = "http://x"', "[default]\nurl = 5", '[default]\nurl = "http://x"\ncolour = "red"']
)
def test_a_file_that_cannot_be_right_is_named(home: Dict[str, str], text: str) -> None:
    _file(home).parent.mkdir(parents=True)
    _file(home).write_text(text)
    _file(home).chmod(0o600)
    with pytest.raises(Invalid, match=r"config\.toml"):
        load(home)


@pytest.mark.parametrize("url", ["farm:8750", "ftp://farm", "http://", "http://me:secret@farm", "http://farm?x=1"])
def test_what_is_no_url_of_a_coordinator_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_url(url)
    assert "secret" not in str(caught.value).replace("'http://me:secret@farm'", "")


def test_folders_follow_the_user_s_own(tmp_path: Path) -> None:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "c"), "XDG_CACHE_HOME": str(tmp_path / "k")}
    assert load(environ).config_file == tmp_path / "c" / "farm" / "config.toml"
    assert load(environ).cache_dir == tmp_path / "k" / "farm"
    assert load({"FARM_CONFIG": str(tmp_path / "f.toml")}).config_file == tmp_path / "f.toml"


def test_the_token_is_not_shown(home: Dict[str, str]) -> None:
    assert "t-env" not in repr(load({**home, "FARM_URL": "http://x:1", "FARM_TOKEN": "t-env"}))


def test_debug_is_a_switch(home: Dict[str, str]) -> None:
    assert [load({**home, "FARM_DEBUG": value}).debug for value in ("", "0", "1")] == [False, False, True]
