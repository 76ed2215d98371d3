"""A run of the shipper over one or more feeds, once or for as long as it is wanted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.db import Error, connection

from logsite.records import Cursor
from logsite.tables.outages import outage
from shipping.engine import Shipper, Totals, plan
from shipping.errors import Unavailable
from shipping.feed import LEFT_CAP, Feed
from shipping.receivers.base import Receiver
from shipping.retry import Retry

Result = TypeVar("Result")


@dataclass(slots=True)
class DryRun:
    """What shipping a feed would send."""

    records: int = 0
    pushes: int = 0
    size: int = 0
    split: int = 0
    groups: set[Any] = field(default_factory=set)  # what the receiver's notes are about


def rehearse(feed: Feed, cursor: Cursor, receiver: Receiver, *, batch_size: int) -> DryRun:
    """Read and encode everything after `cursor`, and send nothing."""
    found = DryRun()
    while page := feed.read(cursor, batch_size):
        for push in plan(page, receiver):
            found.records += len(push.records)
            found.pushes += 1
            found.size += push.size
            found.split += push.split
            found.groups.update(push.notes)
        cursor = page[-1][0]
    return found


def ship_all(shipper: Shipper, stop: threading.Event) -> None:
    """Step until there is nothing left or the stop event is set."""
    while not stop.is_set() and shipper.step():
        pass


def follow(shippers: list[Shipper], retry: Retry, poll: float) -> None:
    """Step each shipper in turn, and look again every `poll` seconds, until the stop event of `retry` is set.

    `retry` outlives outages of the database. Raises Stopped where the stop event comes in its wait.
    """
    stop = retry.stop
    while not stop.is_set():
        if not outlive(retry, lambda: step_each(shippers, stop)):
            stop.wait(poll)


def outlive(retry: Retry, action: Callable[[], Result]) -> Result:
    """The result of `action`, tried again by `retry` while the database of this site is locked, away or full.

    Each try has a new connection. `on_wait` hears of each kind of outage once. An error of another kind, such as a
    missing table, is raised.
    """
    told: set[str] = set()

    def tell_once(error: Unavailable, delay: float) -> None:
        if str(error) not in told:
            told.add(str(error))
            retry.on_wait(error, delay)

    def attempt() -> Result:
        try:
            return action()
        except Error as error:
            if not (reason := outage(error)):
                raise
            connection.close()
            raise Unavailable(f"{reason}; nothing is lost") from None

    return replace(retry, on_wait=tell_once).call(attempt)


def step_each(shippers: list[Shipper], stop: threading.Event) -> bool:
    """One step of each; whether any had something to ship."""
    shipped = [shipper.step() for shipper in shippers if not stop.is_set()]  # each has its turn
    return any(shipped)


def count_text(left: int | None, unknown: str = "unknown") -> str:
    """A capped count for people."""
    if left is None:
        return unknown
    return f"{left:,}" if left <= LEFT_CAP else f"more than {LEFT_CAP:,}"


def summary(name: str, totals: Totals, left: int | None) -> list[str]:
    """The end of a run, a line each: the numbers, then the reasons of what was refused."""
    if not totals.shipped and not totals.rejected and left == 0:
        return [f"{name}: nothing to ship, every entry is shipped"]
    split = f", {totals.split:,} of them in parts" if totals.split else ""
    rest = f"rejected {totals.rejected:,}, left {count_text(left)}"
    lines = [f"{name}: shipped {totals.shipped:,}{split}, {rest}"]
    return lines + [f"  rejected {count:,}: {reason}" for reason, count in totals.reasons.most_common()]
