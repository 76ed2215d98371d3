"""Container log entries as log records: what search, live tail and shipping see of them."""

from typing import Any, NamedTuple

from django.db.models import QuerySet

from logsite.records import LogRecord, LogSource
from prodlogs.models import Container, ContainerLogEntry


class EntryRow(NamedTuple):
    """The columns of an entry that a record needs; shipping reads every row there is."""

    id: int
    xact: int
    container_id: int
    container_name: str
    stream: str
    timestamp: int
    sequence: int
    level: str
    message: str
    truncated_bytes: int
    container: Container


COLUMNS = EntryRow._fields[:-1]
CONTAINER_ID = COLUMNS.index("container_id")


class ContainerSource(LogSource):
    """The source `container`."""

    name = "container"
    permission = "prodlogs.view_containerlogentry"

    def queryset(self) -> QuerySet[ContainerLogEntry]:
        return ContainerLogEntry.objects.select_related("container__host")

    def fetch(self, rows: QuerySet[ContainerLogEntry]) -> list[EntryRow]:
        found = list(rows.select_related(None).values_list(*COLUMNS))
        containers = Container.objects.select_related("host").in_bulk({row[CONTAINER_ID] for row in found})
        return [EntryRow._make((*row, containers[row[CONTAINER_ID]])) for row in found]

    def to_record(self, row: ContainerLogEntry | EntryRow) -> LogRecord:
        host = row.container.host.name
        return LogRecord(
            id=row.id,
            source=self.name,
            timestamp=row.timestamp,
            level=row.level,
            message=row.message,
            labels={
                "server_id": host,
                "server_tag": host,
                "agent_type": "general",
                "container": row.container_name,
                "level": row.level,
            },
            attributes=_attributes(row),
        )


def _attributes(row: ContainerLogEntry | EntryRow) -> dict[str, Any]:
    found = {
        "container_id": row.container.container_id,
        "stream": row.stream,
        "sequence": row.sequence or None,
        "truncated_bytes": row.truncated_bytes or None,
    }
    return {name: value for name, value in found.items() if value is not None}
