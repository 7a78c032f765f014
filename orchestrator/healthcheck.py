"""`farm coordinator health`: asks the coordinator of this machine whether it serves, as container engines want it."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

from farm.protocol.errors import Unavailable

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
_LONGEST_ANSWER_BYTES = 4096


def check_ready(host: str, port: int, timeout_s: float) -> None:
    """Return when the coordinator that listens there is ready.

    Raises: Unavailable: it does not answer in time, or says why it is not.
    """
    address = _EVERYWHERE.get(host, host)
    try:
        with closing(http.client.HTTPConnection(address, port, timeout=timeout_s)) as connection:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            told = answer.read(_LONGEST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(
            f"no coordinator answers on {address} port {port}: {error}", "Look into its log; FARM_PORT says where."
        ) from error
    if answer.status != http.HTTPStatus.OK:
        raise Unavailable(
            f"the coordinator is not ready: {_reason(told)}", "The table in docs/operations.md says what helps."
        )


def _reason(told: bytes) -> str:
    try:
        return str(json.loads(told)["reason"])
    except (ValueError, KeyError, TypeError):
        return "it does not say why"
