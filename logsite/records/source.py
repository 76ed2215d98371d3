"""What search, live tail, export and shipping know of a log app, and which log apps there are."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.db import models

from logsite.records.cursors import committed
from logsite.records.plain import Cursor, LogRecord


class LogSource(ABC):
    """How a log app offers its rows. `permission` is what a reader of the source must hold."""

    name: ClassVar[str]
    permission: ClassVar[str]

    def may_read(self, user: Any) -> bool:
        """Whether `user` may have whole records; a source may ask for more than `permission`."""
        return bool(user.has_perm(self.permission))

    def handed_out(self, request: Any, records: list[LogRecord]) -> None:  # noqa: B027  most keep none
        """`request` is answered with `records`; a source that keeps account of its readers notes it."""

    @abstractmethod
    def queryset(self) -> models.QuerySet[Any]:
        """The rows, with whatever `to_record` reads already joined."""

    @abstractmethod
    def to_record(self, row: Any) -> LogRecord:
        """One row as a record; the same row always gives the same record, or a re-send would double it."""

    def fetch(self, rows: models.QuerySet[Any]) -> Iterable[Any]:
        """`rows` as whatever `to_record` takes; a source overrides it to read faster than the ORM's objects."""
        return rows

    def rows_after(
        self, cursor: Cursor, *, since: datetime | None, until: datetime | None
    ) -> models.QuerySet[Any]:
        """The committed rows after `cursor`, of `since` or later and before `until`; None leaves a side open.

        Raises CursorError when the cursor is ahead of the database, as after a restore elsewhere.
        """
        rows = committed(self.queryset(), cursor)
        if since is not None:
            rows = rows.filter(timestamp__gte=since)
        return rows if until is None else rows.filter(timestamp__lt=until)

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


_sources: dict[str, LogSource] = {}


def register_source(source: LogSource) -> None:
    """Make `source` known; the log apps call this from `AppConfig.ready`."""
    _sources[source.name] = source


def sources() -> dict[str, LogSource]:
    """Every registered source by name."""
    return dict(_sources)


def get_source(name: str) -> LogSource:
    """The source called `name`. Raises ValueError naming the ones there are."""
    try:
        return _sources[name]
    except KeyError:
        raise ValueError(
            f"source {name!r} does not exist; known sources: {', '.join(sorted(_sources))}"
        ) from None
