"""The bytes of a column, counted in the database."""

from typing import Any

from django.db.models import BigIntegerField, Func


class OctetLength(Func):
    """The bytes of a text in UTF-8, or of the text of a column of JSON."""

    function = "octet_length"
    template = "octet_length((%(expressions)s)::text)"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="length(CAST(%(expressions)s AS BLOB))", **context)
