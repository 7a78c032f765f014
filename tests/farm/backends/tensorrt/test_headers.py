from __future__ import annotations

from typing import Optional, Sequence

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.headers import fitting
from farm.device.headers import Headers


def of(*versions: str) -> Sequence[Headers]:
    return [Headers(f"/{version}", version.lstrip("r"), rtx=version.startswith("r")) for version in versions]


@pytest.mark.parametrize(
    ("there", "version", "rtx", "folder"),
    [
        (("10.4.0.26", "8.5.3.1"), "8.5.2.2", False, "/8.5.3.1"),
        (("10.4.0.26", "8.6.1.6"), "8.5.2.2", False, None),
        (("10.0.1.6", "11.1.0.106", "8.6.1.6"), "1.7.1.116", True, "/11.1.0.106"),
        (("10.0.1.6", "11.1.0.106", "r1.7.0.1"), "1.7.1.116", True, "/r1.7.0.1"),
        (("r1.6.0.1", "8.6.1.6"), "1.7.1.116", True, None),
        (("r1.7.0.1",), "10.4.0", False, None),
        # The API of TensorRT for RTX 1.5 is that of 11.0.
        (("11.1.0.106", "10.16.0.1"), "1.5.0.1", True, "/10.16.0.1"),
    ],
)
def test_headers_are_those_of_the_version_that_runs(
    there: Sequence[str], version: str, rtx: bool, folder: Optional[str]
) -> None:
    found = fitting(of(*there), capabilities_of(version, rtx))
    assert (found.folder if found else None) == folder
