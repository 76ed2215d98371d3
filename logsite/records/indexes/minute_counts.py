"""How many rows of a source there are of each minute, level and app: a histogram of a day reads 1,440 minutes.

Whoever stores rows appends the numbers of the batch, which makes no writer wait as counting up would. Numbers of
minutes that have passed are added up now and then, by the writer, too. A purge appends negative numbers.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from django.db import connection, models, transaction
from django.db.models import BigIntegerField, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast

from logsite.records.indexes.unindexed import UnindexedDay, unindexed_days
from logsite.records.query import Condition
from logsite.records.query.conditions import AllOf, OneOf
from logsite.tables.bulk import store_columns
from logsite.tables.nanoseconds import as_nanoseconds
from logsite.tables.segments import DAY

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

MINUTE = 60_000_000_000  # nanoseconds
OPEN_MINUTES = 2  # until the rows of a minute have mostly come
ROLL_UP_SECONDS, HURRY_SECONDS = 60.0, 1.0  # between two times that a process adds up; where some are left
ROLLED_UP_ROWS = 5000  # at most, at a time: SQLite's other writers wait meanwhile
COLUMNS = ("level", "app")
Column = Union[str, "Combinable"]
Counted = tuple[int, str, str]  # minute, level, app


class MinuteCount(models.Model):
    """`number` rows of a minute since 1970-01-01 UTC with this level and app, beside what other rows say of them."""

    id = models.BigAutoField(primary_key=True)
    minute = models.BigIntegerField()
    level = models.CharField(max_length=10, blank=True)
    app = models.CharField(max_length=100, blank=True)
    number = models.BigIntegerField()
    merged = models.BooleanField(default=False)

    class Meta:
        abstract = True
        default_permissions = ()
        indexes = [
            # All that sums need: a day may have hundreds of thousands of rows.
            models.Index(fields=["minute", "level", "app", "number"], name="%(class)s_sums"),
            models.Index(fields=["minute", "id"], name="%(class)s_unmerged", condition=Q(merged=False)),
        ]


class Removed(NamedTuple):
    """What must be known of rows that go. The times are in nanoseconds."""

    ids: list[int]
    timestamps: list[int]
    levels: list[str]
    apps: list[str]


class MinuteCounts:
    """The minute counts of one source, in the table of `model`. `columns` are those of the source's rows that are
    counted as level and app; the days in `unindexed` have rows that are not counted."""

    def __init__(
        self,
        model: type[MinuteCount],
        columns: tuple[Column, Column] = ("level", "app"),
        *,
        unindexed: type[UnindexedDay] | None = None,
    ) -> None:
        self.model = model
        self.columns = columns
        self.unindexed = unindexed
        self._next = 0.0

    def covers(self, low: int, high: int) -> bool:
        """Whether all rows from `low` to `high`, in nanoseconds, are counted."""
        return not any(low // DAY <= day <= high // DAY for day in unindexed_days(self.unindexed))

    def chosen(self, condition: Condition) -> Q | None:
        """`condition` as a filter of minute counts; None where these do not tell."""
        match condition:
            case AllOf(parts):
                found = Q()
                for part in parts:
                    if (each := self.chosen(part)) is None:
                        return None
                    found &= each
                return found
            case OneOf(field, values) if field.column in self.columns:
                return Q(**{f"{COLUMNS[self.columns.index(field.column)]}__in": values})
        return None

    def of_rows(self, rows: QuerySet[Any]) -> Removed:
        """What `subtract` and others need of `rows`, in their order."""
        level, app = (F(each) if isinstance(each, str) else each for each in self.columns)
        found = list(rows.values_list("pk", "timestamp", level, app))
        ids, moments, levels, apps = map(list, zip(*found, strict=True)) if found else ([], [], [], [])
        return Removed(ids, list(map(as_nanoseconds, moments)), levels, apps)

    def append(self, timestamps: Iterable[int], levels: Iterable[str], apps: Iterable[str]) -> None:
        """Count rows, whose times are in nanoseconds, in the transaction that has stored them; roll up if it is time
        for it. Store the rows first: their lock keeps a purge of their day away."""
        self._store(Counter(_counted(timestamps, levels, apps)))
        if monotonic() >= self._next:
            self._next = monotonic() + ROLL_UP_SECONDS  # first: other threads need not do the same
            self.roll_up()
            if self._due().exists():
                self._next = monotonic() + HURRY_SECONDS

    def subtract(self, timestamps: Iterable[int], levels: Iterable[str], apps: Iterable[str]) -> None:
        """Count rows no longer, in the transaction that removes them."""
        removed = Counter(_counted(timestamps, levels, apps))
        self._store({counted: -number for counted, number in removed.items()})

    def _store(self, numbers: Mapping[Counted, int]) -> None:
        if numbers:
            keys = sorted(numbers)
            minutes, levels, apps = zip(*keys, strict=True)
            counted = {
                "minute": minutes,
                "level": levels,
                "app": apps,
                "number": [numbers[key] for key in keys],
            }
            store_columns(self.model, {**counted, "merged": [False] * len(keys)})

    def _due(self) -> QuerySet[Any]:
        """The numbers that are not added up yet, of minutes that have passed."""
        return self.model._default_manager.filter(merged=False, minute__lt=int(time()) // 60 - OPEN_MINUTES)

    def roll_up(self) -> None:
        """Add up the numbers of minutes that have passed, up to ROLLED_UP_ROWS. Each row of numbers goes in the
        statement or transaction that stores the sum, so that a reader sees one of both."""
        before = int(time()) // 60 - OPEN_MINUTES
        with transaction.atomic(), connection.cursor() as sql:
            table = connection.ops.quote_name(self.model._meta.db_table)
            statements = [_POSTGRESQL] if connection.vendor == "postgresql" else [_SQLITE_SUMS, _SQLITE_GONE]
            for statement in statements:
                sql.execute(
                    statement.format(table=table, due=_DUE.format(table=table)), [before, ROLLED_UP_ROWS]
                )

    def forget(self, first: int, last: int) -> None:
        """Remove the counts of the minutes from `first` to `last`, in the transaction that removes their last row."""
        self.model._default_manager.filter(minute__gte=first, minute__lte=last).delete()

    def sums(self, chosen: Q, first: int, end: int | None, minutes: int) -> Counter[tuple[int, str]]:
        """How many rows begin in each `minutes` minutes, by the number of these since 1970 and the level, from the
        minute `first`, which is not negative, to before `end`."""
        rows = self.model._default_manager.filter(chosen, minute__gte=first)
        rows = rows if end is None else rows.filter(minute__lt=end)
        bucket = Cast(F("minute"), BigIntegerField()) / Value(minutes, BigIntegerField())
        found = rows.values(bucket=bucket, counted=F("level")).annotate(sum=Sum("number")).order_by()
        return Counter({(row["bucket"], row["counted"]): int(row["sum"]) for row in found if row["sum"]})


def _counted(timestamps: Iterable[int], levels: Iterable[str], apps: Iterable[str]) -> Iterable[Counted]:
    return zip((timestamp // MINUTE for timestamp in timestamps), levels, apps, strict=True)


# Without `NOT merged` written alike, no engine uses the index of the rows that are not.
_DUE = "SELECT id FROM {table} WHERE NOT merged AND minute < %s ORDER BY minute, id LIMIT %s"
# Two processes at once take different rows.
_POSTGRESQL = """
WITH due AS ({due} FOR UPDATE SKIP LOCKED), gone AS (
    DELETE FROM {table} AS old USING due WHERE old.id = due.id RETURNING old.minute, old.level, old.app, old.number
)
INSERT INTO {table} (minute, level, app, number, merged)
SELECT minute, level, app, sum(number), true FROM gone GROUP BY minute, level, app HAVING sum(number) <> 0
"""
# The sums are merged, so both statements take the same rows.
_SQLITE_SUMS = """
INSERT INTO {table} (minute, level, app, number, merged)
SELECT minute, level, app, sum(number), 1 FROM {table} WHERE id IN ({due})
GROUP BY minute, level, app HAVING sum(number) <> 0
"""
_SQLITE_GONE = "DELETE FROM {table} WHERE id IN ({due})"
