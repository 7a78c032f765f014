"""All that the long install guides check by hand, as values: what was found and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, Optional, Tuple

from .checks.check import Check
from .checks.coordinator import check_broker, check_coordinator, no_coordinator
from .checks.hardware import check_hardware
from .checks.tools import check_tools
from .cuda import probe_cuda
from .machine import Machine
from .probe import probe


def run_checks(
    url: Optional[str] = None,
    token: Optional[str] = None,
    broker_url: Optional[str] = None,
    folder: Path = Path(),
    machine: Optional[Machine] = None,
) -> Tuple[Check, ...]:
    """Every check of this machine, and of the coordinator; takes a few seconds.

    Args:
        url: Where the coordinator should be; without it, that it lacks is a warning.
        token: What this machine would sign in with.
        broker_url: A broker to be tried from here.
        folder: Where the farm keeps its files; it need not exist yet.
        machine: A recorded machine instead of this one.
    """
    return tuple(_checks(url, token, broker_url, folder, machine or Machine()))


def _checks(
    url: Optional[str], token: Optional[str], broker_url: Optional[str], folder: Path, machine: Machine
) -> Iterator[Check]:
    facts = probe(machine)
    yield from check_hardware(machine, facts, probe_cuda(machine), folder)
    yield from check_tools(machine, facts)
    yield from check_coordinator(url, token) if url else no_coordinator()
    yield check_broker(machine, broker_url)
