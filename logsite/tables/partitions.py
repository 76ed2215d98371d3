"""A table in partitions by day on PostgreSQL: a day goes by dropping its partition.

The table's `timestamp`, in nanoseconds, tells the day. A row whose day has no partition is in the DEFAULT partition,
so that storing a row depends on no preparation. A partition can no longer be made once DEFAULT has a row of its day;
the day's rows stay there then, and everything works but for the quick end. The column `tokens` is PostgreSQL's alone:
no model has it.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic, time
from typing import Any

from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.migrations.operations.base import Operation

from logsite.tables.planning import without_sequential_scans
from logsite.tables.segments import DAY, OTHER, day_named, day_of, suffix
from logsite.tables.some_rows import FoundRows
from logsite.tables.token_sets import Tokens, as_arrays

log = logging.getLogger(__name__)
LOCK_MILLISECONDS = 500  # that others wait behind a lock which is not to be had
AGAIN_SECONDS = 60.0  # after which a partition that could not be made is tried again
LOCK_TRIES = 3
# New tokens wait in a list, which each query reads. With PostgreSQL's limit of 4 MB that takes a query 60 ms; with
# 64 kB storing is as fast.
GIN_OPTIONS = "fastupdate = on, gin_pending_list_limit = 64"
LOCK_NOT_AVAILABLE = "55P03"
UNDEFINED_TABLE = "42P01"
_PARTITIONS = """
SELECT part.relname FROM pg_inherits
JOIN pg_class AS part ON part.oid = inhrelid
WHERE inhparent = to_regclass(%s) AND NOT inhdetachpending
"""


class DayPartitions:
    """The partitions of `table`."""

    def __init__(self, table: str) -> None:
        self.table = table
        self._settled: dict[int, float] = {}  # when a day may be looked at again, by the clock of `monotonic`

    def name(self, day: int | None) -> str:
        return f"{self.table}_{suffix(day)}"

    def days(self) -> list[int]:
        """The days that have a partition, oldest first."""
        with connection.cursor() as sql:
            sql.execute(_PARTITIONS, [connection.ops.quote_name(self.table)])
            names = {name for (name,) in sql.fetchall()} - {self.name(None)}
        return sorted(day_named(name[-8:]) for name in names)

    def rows(self, day: int | None, wanted: Tokens, limit: int) -> FoundRows | None:
        """The rows of a partition that have the tokens; None for more than `limit`. Of a partition that is not there
        (any more), none."""
        try:
            return self._rows(self.name(day), wanted, limit)
        except ProgrammingError as error:
            if getattr(error.__cause__, "sqlstate", None) != UNDEFINED_TABLE:
                raise
            return FoundRows([], [])

    def rows_between(self, low: int, high: int, wanted: Tokens, limit: int) -> FoundRows | None:
        """The same for the rows of all partitions whose times are from `low` to `high`, in nanoseconds."""
        return self._rows(self.table, wanted, limit, "AND timestamp BETWEEN %s AND %s", low, high)

    def _rows(self, table: str, wanted: Tokens, limit: int, more: str = "", *values: int) -> FoundRows | None:
        condition, tokens = as_arrays(wanted, "tokens")
        name = connection.ops.quote_name(table)
        statement = f"SELECT id, timestamp FROM {name} WHERE {condition} {more} LIMIT %s"  # noqa: S608
        with without_sequential_scans(), connection.cursor() as sql:
            sql.execute(statement, [*tokens, *values, limit + 1])
            found = sql.fetchall()
        if len(found) > limit:
            return None
        return FoundRows([row_id for row_id, _ in found], [moment for _, moment in found])

    def ensure(self, timestamps: Iterable[int]) -> None:
        """Make the partitions that rows of these times need, and tomorrow's, before the transaction that stores the
        rows: a partition needs a lock on DEFAULT, which would last as long as the transaction."""
        tomorrow = int(time()) * 1_000_000_000 + DAY
        wanted = {day_of(number * DAY) for number in {each // DAY for each in [*timestamps, tomorrow]}}
        now = monotonic()
        missing = [day for day in wanted if day is not None and self._settled.get(day, 0) <= now]
        if not missing:
            return
        there = set(self.days())
        for day in sorted(missing):
            made = day in there or self._make(day)
            if not connection.in_atomic_block:  # which may be rolled back
                self._settled[day] = now + (1 if made is None else AGAIN_SECONDS)

    def _make(self, day: int) -> bool | None:
        """Whether the day has a partition now; None where a lock was not to be had: worth a try soon."""
        try:
            with transaction.atomic(), connection.cursor() as sql:
                sql.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                # Another process that makes it, too, has made it when this statement returns.
                sql.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", [self.table, day])
                if day not in self.days():
                    for statement in self._statements(day):
                        sql.execute(statement)
                sql.execute("SET LOCAL lock_timeout TO DEFAULT")
        except IntegrityError:
            log.warning("partition %s: DEFAULT has rows of the day; they stay there", self.name(day))
            return False
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            log.warning("partition %s: no lock within %d ms", self.name(day), LOCK_MILLISECONDS)
            return None
        return True

    def _statements(self, day: int) -> Iterator[str]:
        """Attaching locks DEFAULT alone; CREATE TABLE … PARTITION OF would lock the whole table."""
        names = (self.table, self.name(day), f"{self.name(day)}_tokens")
        table, part, index = map(connection.ops.quote_name, names)
        yield f"CREATE TABLE {part} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)"
        yield f"CREATE INDEX {index} ON {part} USING gin (tokens) WITH ({GIN_OPTIONS})"
        yield (
            f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({day * DAY}) TO ({(day + 1) * DAY})"
        )

    def lock(self, day: int) -> bool:
        """Let nobody else read or write the table until the end of the transaction. False where others use it, and
        are not through after a second or two."""
        return locked([self.table, self.name(day)], "ACCESS EXCLUSIVE")

    def drop(self, day: int) -> None:
        """Drop a day's partition with its rows, in a transaction that has the lock."""
        with connection.cursor() as sql:
            sql.execute(f"DROP TABLE {connection.ops.quote_name(self.name(day))}")
        self._settled.pop(day, None)


def locked(tables: Sequence[str], mode: str) -> bool:
    """Lock the tables themselves until the end of the transaction; False where others use them for too long."""
    names = ", ".join(f"ONLY {connection.ops.quote_name(table)}" for table in tables)
    for _ in range(LOCK_TRIES):
        try:
            with transaction.atomic(), connection.cursor() as sql:
                sql.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                sql.execute(f"LOCK TABLE {names} IN {mode} MODE")
                sql.execute("SET LOCAL lock_timeout TO DEFAULT")
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            continue
        return True
    log.warning("table %s: no lock in %d tries", tables[-1], LOCK_TRIES)
    return False


class OnPostgresql(Operation):
    """Statements that PostgreSQL alone needs, on the table of a model. The model stays as it is; so does SQLite."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str) -> None:
        self.model = model

    def statements(self, table: str, quoted: Callable[[str], str]) -> Iterable[str]:
        """`quoted` gives a name as SQL has it."""
        raise NotImplementedError

    def reverse_statements(self, table: str, quoted: Callable[[str], str]) -> Iterable[str]:
        """Nothing, where what was made goes with the table."""
        return ()

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The model stays as it is."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._execute(app_label, schema_editor, to_state, self.statements)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._execute(app_label, schema_editor, from_state, self.reverse_statements)

    def _execute(
        self, app_label: str, schema_editor: Any, state: Any, statements: Callable[..., Iterable[str]]
    ) -> None:
        model, used = state.apps.get_model(app_label, self.model), schema_editor.connection
        if used.vendor == "postgresql" and self.allow_migrate_model(used.alias, model):
            for statement in statements(model._meta.db_table, schema_editor.quote_name):
                schema_editor.execute(statement, params=None)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__qualname__, [self.model], {}


class PartitionByDay(OnPostgresql):
    """The table of a model, which the same migration has created and which has no rows yet, becomes one in partitions
    by `timestamp`, with the column `tokens`. The columns, defaults and indexes are the model's; Django makes the
    indexes when the migration ends."""

    def statements(self, table: str, quoted: Callable[[str], str]) -> Iterable[str]:
        return _partitioned(table, quoted)

    def describe(self) -> str:
        return f"Partition {self.model} by day on PostgreSQL"


def _partitioned(name: str, quoted: Callable[[str], str]) -> Iterator[str]:
    table, whole, default = map(quoted, (name, f"{name}_whole", f"{name}_{OTHER}"))
    like = "INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS INCLUDING STORAGE"
    yield f"CREATE TABLE {whole} (LIKE {table} {like}) PARTITION BY RANGE (timestamp)"
    yield f"DROP TABLE {table}"
    yield f"ALTER TABLE {whole} RENAME TO {table}"
    yield f"ALTER SEQUENCE {quoted(f'{name}_whole_id_seq')} RENAME TO {quoted(f'{name}_id_seq')}"
    yield f"ALTER TABLE {table} ADD COLUMN tokens int4[]"
    yield f"ALTER TABLE {table} ADD CONSTRAINT {quoted(f'{name}_pkey')} PRIMARY KEY (id, timestamp)"
    yield f"CREATE INDEX {quoted(f'{name}_tokens')} ON {table} USING gin (tokens) WITH ({GIN_OPTIONS})"
    yield f"CREATE TABLE {default} PARTITION OF {table} DEFAULT"
