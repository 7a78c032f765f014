"""A user of the broker for each device, who reaches that device's keys and channels and nothing else."""

from __future__ import annotations

import threading

import redis

from farm.protocol.wakeup import prefix_of

from .credentials import Credentials, url_with

# What a Celery consumer uses, of kombu 5.5 and of 5.7; nothing that lists, empties or configures.
_COMMANDS = """
    +brpop +lpush +rpush +rpop +llen +zadd +zrem +zrange +zrevrangebyscore +zrangebyscore +hset +hget +hdel
    +sadd +smembers +srem +set +get +del +publish +subscribe +psubscribe +punsubscribe +unsubscribe
    +multi +exec +watch +unwatch +discard +evalsha +eval +script|load +script|exists +ping +hello +auth +select
    +client|setname +info +pexpire +exists +time
"""


class DeviceAccounts:
    """Keeps the users of the known devices in a broker that forgets them when it is restarted.

    Calls that speak to the broker raise `redis.RedisError`; the others return at once.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._doomed: set[str] = set()
        self._granted: set[str] = set()
        self._run = ""

    def url(self, url: str, device: str) -> str:
        """The broker's URL for this device, whose user will soon exist.

        Raises: Invalid: the name cannot be the name of a device in a broker.
        """
        prefix_of(device)
        with self._lock:
            self._known.add(device)
            self._doomed.discard(device)
        return url_with(url, user_of(device), self._credentials.password_of(device))

    def forget(self, device: str) -> None:
        """Have the user of this device removed."""
        with self._lock:
            self._known.discard(device)
            self._doomed.add(device)

    def ensure(self, client: redis.Redis, device: str) -> None:
        """Make this device's user, unless that was done since the broker started."""
        if device not in self._granted:
            self._grant(client, device)

    def settle(self, client: redis.Redis) -> None:
        """Make and remove what is due; everything again after a restart of the broker."""
        run = str(client.info("server")["run_id"])
        if run != self._run:
            self._granted.clear()
            self._run = run
        with self._lock:
            due, doomed = self._known - self._granted, tuple(self._doomed)
        for device in sorted(due):
            self._grant(client, device)
        for device in doomed:
            client.acl_deluser(user_of(device))
            self._granted.discard(device)
            with self._lock:
                self._doomed.discard(device)

    def _grant(self, client: redis.Redis, device: str) -> None:
        prefix = prefix_of(device)
        database = client.connection_pool.connection_kwargs.get("db", 0)
        client.acl_setuser(
            user_of(device),
            enabled=True,
            reset=True,
            hashed_passwords=[f"+{self._credentials.hash_of(device)}"],
            keys=[f"{prefix}*"],
            # A pattern subscription is granted by the very pattern alone, a glob that covers it is not enough.
            channels=[f"{prefix}*", f"{prefix}/{database}.celery.pidbox"],
            commands=[*_COMMANDS.split(), *(["+client|setinfo"] if _version(client) >= (7, 2) else [])],
        )
        self._granted.add(device)
        with self._lock:
            self._known.add(device)


def user_of(device: str) -> str:
    """The name of a device's user in the broker."""
    return f"farm-{device}"


def _version(client: redis.Redis) -> tuple[int, ...]:
    return tuple(int(part) for part in str(client.info("server")["redis_version"]).split(".")[:2])
