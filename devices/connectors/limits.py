"""Limits of a connection: its duration in all, and how many logins are under way at a time.

The timeouts of Netmiko and Paramiko are for one read each; a device that sends a byte now and then outlives them. A
deadline owns the socket and shuts it down from a timer; the failure that follows is recorded as a timeout.
"""

import logging
import math
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import redis
from django.conf import settings

from devices.connectors.host_keys import CheckedTransport, KnownHost
from devices.errors import CommandTimeout

log = logging.getLogger(__name__)
LOOK = 0.05  # seconds between two looks whether another process has left a slot


class DeadlineExceeded(TimeoutError):
    """The deadline of the device has passed; its connection is closed."""


class Deadline:
    """Closes the connections of one device when its time is over. `with` it, or nothing ends its timer."""

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = settings.COLLECT_DEADLINE if seconds is None else seconds
        self.expired = False
        self._end: float | None = None
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()
        self._sockets.clear()

    def start(self) -> None:
        """The clock runs from the first call; waiting for a login slot before it does not count."""
        if self._timer is not None:
            return
        self._end = time.monotonic() + self.seconds
        self._timer = threading.Timer(self.seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left(self) -> float:
        """Seconds; infinite before the start."""
        return math.inf if self._end is None else max(0.0, self._end - time.monotonic())

    def transport(self, sock: socket.socket, known_host: KnownHost, **options: Any) -> CheckedTransport:
        """The transport over `sock`, as SSHClient.connect(transport_factory=…) asks for it."""
        with self._lock:
            if self.expired:
                sock.close()
                raise self.error()
            self._sockets.append(sock)
        with suppress(OSError):  # no TCP; without it every prompt waits for an acknowledgement
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return CheckedTransport(sock, known_host, **options)

    def error(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"the device did not finish within its deadline of {self.seconds:g} s")

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for sock in self._sockets:
                with suppress(OSError):  # closed by now
                    sock.shutdown(socket.SHUT_RDWR)


class LoginSlot:
    """One of the logins that a credential may have under way at a time, over all threads, and with Redis over
    all processes and machines. Raises CommandTimeout when none is free within the deadline's seconds.
    """

    def __init__(self, credential: object) -> None:
        self.name = f"logsite:logins:{credential}"
        self._local: threading.BoundedSemaphore | None = None
        self._lease = ""

    def acquire(self) -> None:
        limit, until = settings.COLLECT_LOGINS_PER_CREDENTIAL, time.monotonic() + settings.COLLECT_DEADLINE
        local = _semaphore(self.name, limit)
        if not local.acquire(timeout=settings.COLLECT_DEADLINE):
            raise self._busy(limit)
        self._local = local
        try:
            while settings.REDIS_URL and not self._lease_from_redis(limit):
                if time.monotonic() > until:
                    raise self._busy(limit)
                time.sleep(LOOK)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give the slot back; a second time does nothing."""
        local, self._local = self._local, None
        lease, self._lease = self._lease, ""
        if lease:
            with suppress(redis.RedisError):  # it runs out by itself
                _redis(settings.REDIS_URL).zrem(self.name, lease)
        if local is not None:
            local.release()

    def _lease_from_redis(self, limit: int) -> bool:
        """Whether we are in; a Redis that does not answer must not stop collections."""
        lease = uuid.uuid4().hex
        try:
            taken = _redis(settings.REDIS_URL).eval(
                LEASE, 1, self.name, limit, settings.COLLECT_DEADLINE, lease
            )
        except redis.RedisError as error:
            log.warning(
                "Redis does not answer (%s): logins are limited within this process only",
                type(error).__name__,
            )
            return True
        self._lease = lease if taken else ""
        return bool(taken)

    def _busy(self, limit: int) -> CommandTimeout:
        return CommandTimeout(
            f"all {limit} logins of the credential were in use for {settings.COLLECT_DEADLINE:g} s"
        )


@dataclass
class Limits:
    """Those of one device; `disconnected` is called when its connection no longer counts."""

    deadline: Deadline
    login: LoginSlot | None = None
    disconnected: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Wait until the credential may log in once more; the deadline's clock runs from then on."""
        if self.login:
            self.login.acquire()
        self.deadline.start()

    def logged_in(self) -> None:
        """The login has ended, well or not."""
        if self.login:
            self.login.release()


@contextmanager
def limits_of(credential: object, disconnected: Callable[[], None]) -> Iterator[Limits]:
    """The limits of one device that is logged in to with `credential`, an id."""
    with Deadline() as deadline:
        yield Limits(deadline, LoginSlot(credential), disconnected)


# Leases end by Redis's own clock: those of a killed process, too, and whatever the clocks of the machines say.
LEASE = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', at)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], at + ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], math.ceil(ARGV[2]) + 1)
return 1
"""


@cache
def _semaphore(name: str, limit: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(limit)


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
