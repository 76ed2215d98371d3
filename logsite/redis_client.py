"""The client for what processes count together in Redis; live news have the channel layer, tasks have Celery."""

from functools import cache

import redis
from django.conf import settings

ANSWER_SECONDS = 2  # for Redis to answer; callers have another way then


def client() -> redis.Redis:
    """A client of REDIS_URL, which must be set. Its calls raise RedisError after ANSWER_SECONDS."""
    return _client(settings.REDIS_URL)


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)
