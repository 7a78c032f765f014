"""`farm configure`: asked, verified, kept."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Dict

import pytest

from farm.protocol.exits import Exit

from ...double import TOKEN, Double
from ..conftest import Farm


@pytest.fixture
def config(environ: Dict[str, str]) -> Path:
    """Where the settings go."""
    return Path(environ["HOME"]) / ".config" / "farm" / "config.toml"


def test_flags_are_verified_and_kept_for_the_owner(process: Farm, double: Double, config: Path) -> None:
    told = process("configure", "--url", double.url + "/", "--token", TOKEN)
    assert told.code == 0, told.err
    assert "knows this token as me, which may admin" in told.err
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert process("models").code == 0


def test_a_token_that_is_refused_is_not_kept(process: Farm, double: Double, config: Path) -> None:
    assert process("configure", "--url", double.url, "--token", "wrong").code == 9
    assert not config.exists()
    assert process("configure", "--url", double.url, "--token", "wrong", "--no-check").code == 0
    assert process("models").code == 9


def test_profiles_are_chosen_by_flag(process: Farm, double: Double, config: Path) -> None:
    told = process("configure", "--url", double.url, "--token", TOKEN, "--profile", "lab", "--json")
    assert json.loads(told.out)["profile"] == "lab"
    assert process("models").code == Exit.COORDINATOR
    assert process("--profile", "lab", "models").code == 0


def test_a_token_can_come_from_a_pipe(environ: Dict[str, str], double: Double, config: Path, tmp_path: Path) -> None:
    from ..processes import start

    secret = tmp_path / "secret"
    secret.write_text(TOKEN + "\n")
    with secret.open() as stream, start("configure", "--url", double.url, "--token", "-", stdin=stream) as child:
        assert child.wait(30) == 0
    assert TOKEN in config.read_text()


def test_what_is_not_given_is_asked_for(environ: Dict[str, str], double: Double, config: Path, pty_farm: Any) -> None:
    told = pty_farm("configure", typed=[f"{double.url}\n", f"{TOKEN}\n"])
    assert told.code == 0, told.out
    assert TOKEN not in told.out
    assert TOKEN in config.read_text()
