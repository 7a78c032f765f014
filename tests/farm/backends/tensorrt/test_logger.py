from __future__ import annotations

import logging
from enum import Enum
from typing import List

import pytest

from farm.backends.tensorrt.logger import Sayings, logger


class Binding:
    """As much of a binding as a logger derives from."""

    class ILogger:
        def __init__(self) -> None:
            self.made = True


class Severity(Enum):
    """As the bindings have it."""

    INTERNAL_ERROR = 0
    ERROR = 1
    WARNING = 2
    INFO = 3
    VERBOSE = 4


def severity(name: str) -> Severity:
    return Severity[name]


def test_messages_go_to_the_log_with_their_severity_and_errors_are_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sayings = Sayings()
    taker = logger(Binding, sayings)
    taker.log(severity("INFO"), "hello")
    taker.log(severity("VERBOSE"), "whisper")
    taker.log(severity("ERROR"), "first")
    taker.log(severity("INTERNAL_ERROR"), "second")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("INFO", "[TensorRT] info: hello"),
        ("ERROR", "[TensorRT] error: first"),
        ("ERROR", "[TensorRT] internal_error: second"),
    ]
    assert sayings.errors() == ("first", "second")
    sayings.forget()
    assert sayings.errors() == ()


def test_whoever_asks_for_details_gets_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logger(Binding, Sayings(verbose=True)).log(severity("VERBOSE"), "whisper")
    assert "[TensorRT] verbose: whisper" in caplog.text


def test_a_watch_hears_what_the_log_leaves_out() -> None:
    sayings = Sayings()
    heard: List[str] = []
    sayings.watches.append(heard.append)
    logger(Binding, sayings).log(severity("VERBOSE"), "whisper")
    assert heard == ["whisper"]


def test_nothing_is_raised_into_the_library(caplog: pytest.LogCaptureFixture) -> None:
    sayings = Sayings()

    def fail(text: str) -> None:
        raise RuntimeError(text)

    sayings.watches.append(fail)
    logger(Binding, sayings).log(severity("ERROR"), "boom")
    assert "was lost" in caplog.text
