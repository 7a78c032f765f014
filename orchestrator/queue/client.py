"""A plain connection to the broker that says at once when there is none."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ANSWER_S = 3.0
CONNECT_S = 2.0


def connect(url: str, answer_s: float = ANSWER_S) -> redis.Redis:
    """A client that never tries again by itself: whoever calls decides when to."""
    return redis.Redis.from_url(
        url, socket_timeout=answer_s, socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 0)
    )


def answers(url: str) -> bool:
    """True when a PING comes back within a second."""
    with connect(url, 1.0) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
