"""Where a device stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.states import DeviceState
from orchestrator.rules.liveness import Pulse, device_state

ALIVE = Pulse(recorded=False, retired=False, draining=False, silent_s=1.0, slots=2, leases=0)


@pytest.mark.parametrize(
    ("pulse", "state"),
    [
        (ALIVE, DeviceState.IDLE),
        (replace(ALIVE, leases=1), DeviceState.IDLE),
        (replace(ALIVE, leases=2), DeviceState.BUSY),
        (replace(ALIVE, draining=True), DeviceState.DRAINING),
        (replace(ALIVE, silent_s=50.0), DeviceState.LATE),
        (replace(ALIVE, silent_s=200.0, draining=True), DeviceState.GONE),
        (replace(ALIVE, silent_s=None), DeviceState.GONE),
        (replace(ALIVE, recorded=True, silent_s=None), DeviceState.RECORDED),
        (replace(ALIVE, retired=True, recorded=True), DeviceState.RETIRED),
    ],
)
def test_where_a_device_stands(pulse: Pulse, state: DeviceState) -> None:
    assert device_state(pulse, late_s=45.0, gone_s=180.0) is state
