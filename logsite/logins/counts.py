"""Counts that processes share and that are forgotten after a time: in Redis, else in the database."""

import logging
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from logsite.logins.models import LoginCount
from logsite.redis_client import client

log = logging.getLogger("logsite.logins")
PREFIX = "logsite:logins:"
FORGET_ROWS = 100
Found = TypeVar("Found")


class Count(NamedTuple):
    """How often a key was counted in its window, and the seconds until the window ends."""

    number: int
    seconds: int


def add(key: str, seconds: int) -> Count:
    """Count `key` once more, in one step; its first count opens a window of `seconds`."""
    return _either(lambda: _redis_add(key, seconds), lambda: _database_add(key, seconds))


def take_back(key: str) -> None:
    """Undo one `add`."""
    _either(lambda: client().eval(TAKE_BACK, 1, PREFIX + key), lambda: _database_take_back(key))


def forget(key: str) -> None:
    """End the window of `key`."""
    _either(
        lambda: client().delete(PREFIX + key),
        lambda: LoginCount.objects.filter(pk=key).delete(),
    )


def _either(by_redis: Callable[[], Found], by_database: Callable[[], Found]) -> Found:
    if settings.REDIS_URL:
        try:
            return by_redis()
        except redis.RedisError as error:
            log.warning(
                "Redis does not answer (%s): log-ins are counted in the database", type(error).__name__
            )
    return by_database()


# --- Redis -------------------------------------------------------------------------------------------------

# DECR alone would make a key without an end where the window has ended meanwhile.
TAKE_BACK = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECR', KEYS[1]) end"


def _redis_add(key: str, seconds: int) -> Count:
    with client().pipeline(transaction=True) as pipe:
        pipe.set(PREFIX + key, 0, ex=seconds, nx=True)
        pipe.incr(PREFIX + key)
        pipe.ttl(PREFIX + key)
        _, number, left = pipe.execute()
    return Count(number, max(left, 1))


# --- The database ------------------------------------------------------------------------------------------

# One statement, so that two attempts at once are two: SQLite and PostgreSQL lock the row it finds.
ADD = """
INSERT INTO login_counts AS old (key, count, expires) VALUES (%s, 1, %s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN old.expires <= %s THEN 1 ELSE old.count + 1 END,
    expires = CASE WHEN old.expires <= %s THEN excluded.expires ELSE old.expires END
RETURNING count, expires
"""


def _database_add(key: str, seconds: int) -> Count:
    now = int(time.time())
    with connection.cursor() as cursor:
        cursor.execute(ADD, [key, now + seconds, now, now])
        number, expires = cursor.fetchone()
    if number == 1:
        _forget_old(now)
    return Count(number, max(expires - now, 1))


def _database_take_back(key: str) -> None:
    LoginCount.objects.filter(pk=key, count__gt=0).update(count=F("count") - 1)


def _forget_old(now: int) -> None:
    """Delete rows whose window has ended; those that another process deletes are left to it."""
    with transaction.atomic():
        old = LoginCount.objects.filter(expires__lte=now).select_for_update(skip_locked=True)
        if keys := list(old.values_list("pk", flat=True)[:FORGET_ROWS]):
            LoginCount.objects.filter(pk__in=keys, expires__lte=now).delete()
