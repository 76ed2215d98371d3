"""The bytes of a column and of a row, counted in the database."""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from django.db.models import BigIntegerField, Func, JSONField, Model, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce


class OctetLength(Func):
    """The bytes of a text in UTF-8, or of the text of a column of JSON."""

    function = "octet_length"
    template = "octet_length((%(expressions)s)::text)"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **context)


def text_bytes(model: type[Model]) -> Combinable:
    """The bytes of all columns of a row that have no greatest length."""
    columns = [
        field.name for field in model._meta.concrete_fields if isinstance(field, TextField | JSONField)
    ]
    return reduce(add, (Coalesce(OctetLength(name), 0) for name in columns), Value(0))


def fitting(sizes: Sequence[int], page_bytes: int) -> int:
    """How many of the first `sizes` have `page_bytes` together; the first one counts whatever its size."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if count and total > page_bytes:
            return count
    return len(sizes)
