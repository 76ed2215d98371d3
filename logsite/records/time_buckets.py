"""Rows by stretches of time: which bucket of the time axis a row's time lies in."""

from typing import Any

from django.db.models import BigIntegerField, F, Func, Model, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from logsite.tables.nanoseconds import NanosecondsField

NANOSECONDS = 1_000_000_000  # in a second


class UnixSeconds(Func):
    """The whole seconds since 1970-01-01 UTC of a time."""

    output_field = BigIntegerField()
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler, connection, template="floor(extract(epoch FROM %(expressions)s))::bigint", **context
        )


def bucket(model: type[Model], column: str, seconds: int) -> Combinable:
    """The number of the bucket of `seconds` that a row's time lies in, counted from 1970-01-01."""
    if isinstance(model._meta.get_field(column), NanosecondsField):
        return _whole(F(column), seconds * NANOSECONDS)
    return _whole(UnixSeconds(F(column)), seconds)


def _whole(number: Combinable, divisor: int) -> Combinable:
    """Both engines cut the quotient of whole numbers; times before 1970 share a bucket with those behind."""
    return Cast(number, BigIntegerField()) / Value(divisor, BigIntegerField())
