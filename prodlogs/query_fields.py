"""What a query may name in entries of containers."""

from django.db.models import Value

from logsite.records.query import Field, Kind
from prodlogs.models import Stream

FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "source": Field(Kind.KEYWORD, Value("container"), "source", help="container: container logs."),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp", help="A day, a minute, a moment, or now-2h."),
    "level": Field(Kind.LEVEL, "level", "level", help="None where the line names none: NOT level:*"),
    "message": Field(Kind.TEXT, "message", "message", searched=True),
    "container": Field(Kind.KEYWORD, "container_name", "labels.container", low_cardinality=True),
    "host": Field(Kind.KEYWORD, "container__host__name", "labels.server_id", low_cardinality=True),
    "container_id": Field(Kind.KEYWORD, "container__container_id", "attributes.container_id"),
    "stream": Field(Kind.KEYWORD, "stream", "attributes.stream", values=tuple(Stream.values)),
    "sequence": Field(Kind.INTEGER, "sequence", "attributes.sequence", absent=0),
    "truncated_bytes": Field(Kind.INTEGER, "truncated_bytes", "attributes.truncated_bytes", absent=0),
}
