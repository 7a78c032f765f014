from __future__ import annotations

import stat
from pathlib import Path

import pytest

from orchestrator.queue.credentials import Credentials, url_with


def test_passwords_last_as_long_as_the_folder_and_differ_by_name(tmp_path: Path) -> None:
    first, again = Credentials(tmp_path / "broker/secret"), Credentials(tmp_path / "broker/secret")
    assert first.password_of("xavier") == again.password_of("xavier")
    assert first.password_of("xavier") != first.password_of("v100")
    assert first.password_of("xavier") != Credentials(tmp_path / "other").password_of("xavier")


def test_the_secret_is_the_owners_alone(tmp_path: Path) -> None:
    Credentials(tmp_path / "secret")
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://127.0.0.1:6379/3", "redis://farm-xavier:p%2Fw@127.0.0.1:6379/3"),
        ("rediss://:secret@broker.example/0", "rediss://farm-xavier:p%2Fw@broker.example/0"),
        ("redis://[::1]:6379", "redis://farm-xavier:p%2Fw@[::1]:6379"),
    ],
)
def test_the_coordinators_credential_is_replaced(url: str, expected: str) -> None:
    assert url_with(url, "farm-xavier", "p/w") == expected
