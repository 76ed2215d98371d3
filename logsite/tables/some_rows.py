"""Conditions that name rows by their ids, however many, and by their tokens."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Func

from logsite.tables.token_sets import Tokens, as_arrays

Sql = tuple[str, tuple[Any, ...]]


class IdIn(Func):
    """Whether the column is one of `ids`: one parameter for all of them, so that there may be 200,000."""

    output_field = models.BooleanField()

    def __init__(self, column: str, ids: Iterable[int]) -> None:
        super().__init__(column)
        self.ids = list(ids)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = compiler.compile(self.source_expressions[0])
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, json.dumps(self.ids))  # noqa: S608

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Sql:
        column, params = compiler.compile(self.source_expressions[0])
        return f"{column} = ANY(%s::bigint[])", (*params, self.ids)


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
