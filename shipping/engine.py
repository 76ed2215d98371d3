"""The shipper: read committed records, push them, move the cursor.

One `step` pushes one batch and then moves the cursor, in one transaction with the counters and the refused
entries. A process that dies before that transaction sends the batch again, and tells the receiver that it
may have been sent before. Where only the transaction failed, the next step begins with it, and sends nothing again.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import KW_ONLY, dataclass, field
from types import TracebackType
from typing import Any, Self

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone

from logsite.records import Cursor, CursorError, LogRecord, from_nanoseconds
from logsite.tables.outages import outage
from shipping.errors import LostRace, ShippingError, Stopped
from shipping.feed import Feed
from shipping.models import Destination, RejectedEntry, RunStatus, ShippingCursor, ShippingRun
from shipping.receivers.base import Push, Receiver, Refusal

logger = logging.getLogger(__name__)

EXCERPT_CHARACTERS = 1000
KIND_CHARACTERS = 120


def plan(page: Iterable[tuple[Cursor, LogRecord]], receiver: Receiver) -> list[Push]:
    """The records of a page as pushes that the receiver takes; a record that fits into none goes alone."""
    pushes: list[Push] = []
    for cursor, record in page:
        items = receiver.encode(cursor, record)
        if not pushes or not receiver.fits(pushes[-1], items):
            pushes.append(Push(cursor))
            receiver.fits(pushes[-1], items)
        pushes[-1].add(cursor, record, items)
    return pushes


@dataclass(slots=True)
class Totals:
    """What a run has done so far, in records; `reasons` counts refused entries by kind."""

    shipped: int = 0
    rejected: int = 0
    split: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False, repr=False)
class Shipper:
    """Ships one feed to one destination. A context manager: it closes its run's record."""

    destination: Destination
    receiver: Receiver
    feed: Feed
    _: KW_ONLY
    batch_size: int
    on_push: Callable[[Push], None] = lambda push: None

    def __post_init__(self) -> None:
        self.totals = Totals()
        self.left: int | None = None
        self._planned: deque[Push] = deque()
        self._delivered: tuple[Push, list[Refusal]] | None = None  # and not settled yet
        self._uncertain = True  # the first push may have been sent by a run that died
        self._in_doubt = False  # whether it is settled: the connection may have broken at the commit
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="push")

    def __enter__(self) -> Self:
        lane: dict[str, Any] = {"destination": self.destination, "source": self.feed.key}
        self._row, _ = ShippingCursor.objects.get_or_create(**lane)
        self.cursor = self._read_up_to = self._row.place
        before = ShippingRun.objects.filter(status=RunStatus.RUNNING, **lane)
        before.update(status=RunStatus.FAILED, error="it was interrupted")
        self.run = ShippingRun.objects.create(started=timezone.now(), **lane)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the end of the run: what is left, and what went wrong."""
        self._sender.shutdown()
        try:
            self._end_run(error)
        except Error as fault:
            if not (reason := outage(fault)):
                raise
            if not isinstance(error, Error):  # an Error of the database is reported already
                logger.warning("the end of the run of %s is not on record: %s", self.feed.key, reason)

    def _end_run(self, error: BaseException | None) -> None:
        self.left = self._count_left()
        told = isinstance(error, ShippingError | CursorError)  # other texts may show internals
        failed = error is not None and not isinstance(error, Stopped)
        ShippingRun.objects.filter(pk=self.run.pk).update(
            status=RunStatus.FAILED if failed else RunStatus.SUCCESS,
            ended=timezone.now(),
            left=self.left,
            error=(str(error) if told else type(error).__name__) if failed else "",
        )

    def _count_left(self) -> int | None:
        try:
            return self.feed.left(self.cursor)
        except CursorError:
            return None

    def step(self) -> bool:
        """Push one batch and move the cursor; False when there is nothing to ship just now.

        The next batch is read while this one is on its way; only this thread touches the database. Raises
        ShippingError and CursorError; the cursor stands then behind the last batch that was dealt with. After an
        Error of the database, `step` may be called again.
        """
        if self._delivered:
            self._settle(*self._delivered)
            return True
        if (push := self._next()) is None:
            return False
        uncertain, self._uncertain = self._uncertain, True
        answer = self._sender.submit(self.receiver.deliver, push.items, uncertain=uncertain)
        try:
            self._read_ahead()
        finally:
            self._delivered = push, answer.result()
            self._uncertain = False
            self._settle(*self._delivered)
        return True

    def _next(self) -> Push | None:
        self._read_ahead()
        return self._planned.popleft() if self._planned else None

    def _read_ahead(self) -> None:
        if self._planned:
            return
        page = self.feed.read(self._read_up_to, self.batch_size)
        if page:
            self._planned.extend(plan(page, self.receiver))
            self._read_up_to = page[-1][0]

    def _settle(self, push: Push, refusals: Sequence[Refusal]) -> None:
        """Move the cursor behind `push`, with all that has to be known of it, or not at all."""
        rejected = len({refusal.item.cursor for refusal in refusals})
        shipped = len(push.records) - rejected
        if not (self._in_doubt and self._is_settled(push)):
            self._in_doubt = True
            self._store(push, refusals, shipped, rejected)
        self._in_doubt, self._delivered = False, None
        self.cursor = push.end
        self.totals.shipped += shipped
        self.totals.rejected += rejected
        self.totals.split += push.split
        self.totals.reasons.update(refusal.kind or refusal.reason[:KIND_CHARACTERS] for refusal in refusals)
        self.on_push(push)

    def _is_settled(self, push: Push) -> bool:
        place = {"xact": push.end.xact, "row_id": push.end.id}
        return ShippingCursor.objects.filter(pk=self._row.pk, **place).exists()

    def _store(self, push: Push, refusals: Sequence[Refusal], shipped: int, rejected: int) -> None:
        with transaction.atomic():
            self._move_cursor(push.end, shipped, rejected)
            ShippingRun.objects.filter(pk=self.run.pk).update(
                shipped=F("shipped") + shipped,
                rejected=F("rejected") + rejected,
                split=F("split") + push.split,
            )
            if refusals:
                records = dict(push.records)
                rows = [self._rejected_entry(each, records[each.item.cursor]) for each in refusals]
                RejectedEntry.objects.bulk_create(rows, ignore_conflicts=True)

    def _move_cursor(self, end: Cursor, shipped: int, rejected: int) -> None:
        """Conditional on where this shipper last saw it, so that of two shippers one stops."""
        moved = ShippingCursor.objects.filter(
            pk=self._row.pk, xact=self.cursor.xact, row_id=self.cursor.id
        ).update(
            xact=end.xact,
            row_id=end.id,
            shipped=F("shipped") + shipped,
            rejected=F("rejected") + rejected,
            updated_at=timezone.now(),
        )
        if not moved:
            raise LostRace(
                f"another shipper moved the cursor of {self.feed.key} at {self.destination} meanwhile; "
                "this one stops, nothing is lost: run one at a time"
            )

    def _rejected_entry(self, refusal: Refusal, record: LogRecord) -> RejectedEntry:
        item = refusal.item
        labels, line = self.receiver.excerpt(item, record)
        return RejectedEntry(
            destination=self.destination,
            run=self.run,
            source=self.feed.key.split(" ", 1)[0],
            row_id=item.cursor.id,
            part=item.part,
            timestamp=from_nanoseconds(record.timestamp),
            reason=refusal.reason.replace("\0", ""),
            labels={name: value.replace("\0", "") for name, value in labels.items()},
            line=line[:EXCERPT_CHARACTERS].replace("\0", ""),
        )


def forget_cursor(destination: Destination, feed: Feed) -> None:
    """Set the cursor to the beginning, so that everything is shipped again."""
    ShippingCursor.objects.filter(destination=destination, source=feed.key).update(xact=0, row_id=0)
