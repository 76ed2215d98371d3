"""Conditions that name rows by their ids, however many, and by their tokens."""

import json
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Func

from logsite.tables.token_sets import Tokens, as_arrays

Sql = tuple[str, tuple[Any, ...]]


class FoundRows(NamedTuple):
    """Rows by their ids; their `timestamps`, in nanoseconds, are known where the engine reads them with the ids."""

    ids: list[int]
    timestamps: list[int] | None = None


class RowIn(Func):
    """Whether the row is one of `found`: one parameter for all of them, so that there may be 200,000.

    On PostgreSQL their times choose the partitions, and keep a planner without statistics from reading a whole day.
    """

    output_field = models.BooleanField()

    def __init__(self, found: FoundRows) -> None:
        super().__init__("pk", "timestamp")
        self.found = found

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = compiler.compile(self.source_expressions[0])
        values = json.dumps(self.found.ids)
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, values)  # noqa: S608

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        (row, params), (moment, others) = map(compiler.compile, self.source_expressions)
        sql, values = f"{row} = ANY(%s::bigint[])", (*params, self.found.ids)
        if self.found.timestamps is None:
            return sql, values
        both = f"({sql} AND {moment} = ANY(%s::bigint[]))"
        return both, (*values, *others, list(dict.fromkeys(self.found.timestamps)))


class HasTokens(Func):
    """Whether the row, of which `column` is any column, has the tokens; on PostgreSQL."""

    output_field = models.BooleanField()

    def __init__(self, column: str, wanted: Tokens) -> None:
        super().__init__(column)
        self.wanted = wanted

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column: Any = self.source_expressions[0]
        sql, params = as_arrays(self.wanted, f"{compiler.quote_name_unless_alias(column.alias)}.tokens")
        return sql, tuple(params)
