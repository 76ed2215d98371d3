"""The rates of ingest tokens: counted in Redis for all processes together, without Redis by each process for itself.

A rate is one number in Redis or in the process: the time up to which it is used up. What is taken moves that time on
by its number divided by the rate; while the time is to come, nothing more can be taken. A rate that was not used is
a second's worth ahead and not more, and a batch that is larger than the rate is taken and made up for.
"""

import logging
import math
import threading
import time
from collections.abc import Mapping

import redis
from django.conf import settings

from logsite.audit import EventType, Severity, current_reader, record
from logsite.intake.models import IngestToken
from logsite.redis_client import client

log = logging.getLogger(__name__)
AHEAD_SECONDS = 1.0  # of a rate that was not used
TOLD_SECONDS = 60  # between two audit entries of a token beyond its rate
PREFIX = "logsite:intake:"
Taken = tuple[float, bool]  # the seconds to wait, 0 for taken; whether nobody was told of it for TOLD_SECONDS

# KEYS: the times of the rates, and at the end the key of who was told. ARGV: the seconds that each time moves on.
TAKE = """
local clock = redis.call('TIME')
local now, wait, used = clock[1] + clock[2] / 1000000, 0, {}
for i = 1, #KEYS - 1 do
    used[i] = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now - tonumber(ARGV[#KEYS]))
    wait = math.max(wait, used[i] - now)
end
if wait > 0 then
    return {string.format('%.6f', wait), redis.call('SET', KEYS[#KEYS], 1, 'NX', 'EX', ARGV[#KEYS + 1]) and 1 or 0}
end
for i = 1, #KEYS - 1 do
    local until_then = used[i] + tonumber(ARGV[i])
    local kept = math.max(1, math.ceil(until_then - now + 1))
    redis.call('SET', KEYS[i], string.format('%.6f', until_then), 'EX', kept)
end
return {'0', 0}
"""


class Rates:
    """How far the rates of tokens are used up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def take(self, token: IngestToken, entries: int, size: int, now: float | None = None) -> float:
        """0 where so many entries and bytes may come now; else the seconds to wait, and nothing is taken.

        With `now`, a time of the caller's own clock, this process counts by itself.
        """
        wanted = {"entries": (entries, token.entries_per_second), "bytes": (size, token.bytes_per_second)}
        # The rate is in the key: another rate begins anew.
        costs = {
            f"{token.pk}:{kind}:{rate}": number / rate for kind, (number, rate) in wanted.items() if rate
        }
        if not costs:
            return 0.0
        seconds, is_news = self._taken(str(token.pk), costs, now)
        if is_news:
            _record_excess(token)
        return seconds

    def _taken(self, token: str, costs: Mapping[str, float], now: float | None) -> Taken:
        if now is None and settings.REDIS_URL:
            try:
                return _taken_in_redis(token, costs)
            except redis.RedisError as error:
                reason = type(error).__name__
                log.warning("Redis does not answer (%s): each process counts the rates of tokens", reason)
        return self._taken_here(token, costs, time.monotonic() if now is None else now)

    def _taken_here(self, token: str, costs: Mapping[str, float], now: float) -> Taken:
        with self._lock:
            used = {key: max(self._used.get(key, -math.inf), now - AHEAD_SECONDS) for key in costs}
            seconds = max(used.values()) - now
            if seconds <= 0:
                self._used |= {key: used[key] + cost for key, cost in costs.items()}
                return 0.0, False
            is_news = now - self._told.get(token, -TOLD_SECONDS) >= TOLD_SECONDS
            if is_news:
                self._told[token] = now
            return seconds, is_news


def _taken_in_redis(token: str, costs: Mapping[str, float]) -> Taken:
    keys = [*(PREFIX + key for key in costs), f"{PREFIX}{token}:told"]
    words: list[float] = [*costs.values(), AHEAD_SECONDS, TOLD_SECONDS]
    wait, is_news = client().eval(TAKE, len(keys), *keys, *words)
    return float(wait), bool(is_news)


def _record_excess(token: IngestToken) -> None:
    details = {
        "id": str(token.pk),
        "entries_per_second": token.entries_per_second,
        "bytes_per_second": token.bytes_per_second,
    }
    event, reader = EventType.EXCESS_RATE_LIMIT_EXCEEDED, current_reader()
    record(event, Severity.WARNING, reader, details, what="intake.ingesttoken", target=token.name)


rates = Rates()
