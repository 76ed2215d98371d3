"""How the rows of a log app become records; people read them through a `SourceView`, which knows their rights."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from logsite.records.cursors import committed
from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts
from logsite.records.places import HIGHEST, Key, Window
from logsite.records.plain import Cursor, LogRecord, WithheldField
from logsite.records.query import Fields
from logsite.tables.keyset import beyond
from logsite.tables.nanoseconds import NanosecondsField, from_nanoseconds

OLDEST_FIRST = ["timestamp", "id"]
NEWEST_FIRST = ["-timestamp", "-id"]


class StoredRows(ABC):
    """Where the rows of a source are, and how each becomes a record. The rows have the columns of `LogRow` and
    `timestamp`, a DateTimeField or a NanosecondsField."""

    name: ClassVar[str]
    permission: ClassVar[str]
    fields: ClassVar[Fields] = {}
    stream: ClassVar[tuple[str, ...]] = ()
    index: ClassVar[SegmentIndex | None] = None
    minute_counts: ClassVar[MinuteCounts | None] = None

    @abstractmethod
    def queryset(self) -> models.QuerySet[Any]:
        """The rows, with whatever `to_record` reads already joined."""

    @abstractmethod
    def to_record(self, row: Any) -> LogRecord:
        """One row as a record; the same row always gives the same record, or a re-send would double it."""

    def fetch(self, rows: models.QuerySet[Any]) -> Iterable[Any]:
        """`rows` as whatever `to_record` takes; a source overrides it to read faster than the ORM's objects."""
        return rows

    def withhold(self, record: LogRecord, names: Iterable[str]) -> LogRecord:
        """`record` without what the fields of `names` hold, if these are its message, labels or attributes.

        A source whose message holds another field, too, overrides this.
        """
        for name in names:
            field = self.fields[name]
            place, _, key = field.record.partition(".")
            if place == "message":
                held: Any = record.message
                record = replace(record, message="")
            elif place == "labels":
                held = record.labels.get(key)
                record = replace(record, labels=_without(record.labels, key))
            elif place == "attributes":
                held = record.attributes.get(key)
                record = replace(record, attributes=_without(record.attributes, key))
            else:
                raise NotImplementedError(f"source {self.name}: withhold() must take {name} out of a record")
            if held not in (None, ""):
                size = WithheldField(len(str(held).encode()), field.permission)
                record = replace(record, withheld={**record.withheld, name: size})
        return record

    def gaps(self, window: Window) -> Iterable[Any]:
        """The stretches of which entries are known to be missing, as `Gap`; none unless a source knows better."""
        return ()

    def rows_after(
        self, cursor: Cursor, *, since: datetime | None, until: datetime | None
    ) -> models.QuerySet[Any]:
        """The committed rows after `cursor`, of `since` or later and before `until`; None leaves a side open.

        Raises CursorError when the cursor is ahead of the database, as after a restore elsewhere.
        """
        return within(committed(self.queryset(), cursor), Window(since, until))

    def committed_after(
        self,
        cursor: Cursor,
        limit: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[tuple[Cursor, LogRecord]]:
        """Up to `limit` committed records after `cursor`, oldest commit first, each with its own cursor.

        Empty when there is nothing yet. The times and the error are those of `rows_after`.
        """
        rows = self.rows_after(cursor, since=since, until=until)
        found = self.fetch(rows.order_by("xact", "id")[:limit])
        return [(Cursor(row.xact, row.id), self.to_record(row)) for row in found]

    def end(self) -> Cursor:
        """The cursor after the newest committed record."""
        rows = committed(self.queryset(), Cursor()).order_by("-xact", "-id")
        newest = rows.values_list("xact", "id").first()
        return Cursor(*newest) if newest else Cursor()


def _without(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def within(rows: models.QuerySet[Any], window: Window) -> models.QuerySet[Any]:
    """Those of `rows` whose time is in `window`."""
    if window.since is not None:
        rows = rows.filter(timestamp__gte=window.since)
    return rows if window.until is None else rows.filter(timestamp__lt=window.until)


def behind(model: type[models.Model], key: Key) -> Q:
    """The rows of `model` later than `key`."""
    return beyond(OLDEST_FIRST, _stored(model, key))


def ahead_of(model: type[models.Model], key: Key) -> Q:
    """The rows of `model` earlier than `key`."""
    return beyond(OLDEST_FIRST, _stored(model, key), reverse=True)


def _stored(model: type[models.Model], key: Key) -> list[Any]:
    """`key` as the columns hold it. A column of datetimes has no nanoseconds: its rows of that microsecond are
    earlier than a key within the microsecond."""
    if isinstance(model._meta.get_field("timestamp"), NanosecondsField):
        return list(key)
    return [from_nanoseconds(key.timestamp), HIGHEST if key.timestamp % 1000 else key.id]
