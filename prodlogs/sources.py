"""Container log entries as log records: what search, live tail and shipping see of them."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from logsite.records import Gap, LogRecord, LogSource, Metric, Retention, Window, to_nanoseconds
from logsite.tables.nanoseconds import from_rfc3339
from prodlogs.entry_index import COUNTS, INDEX
from prodlogs.metrics import metrics
from prodlogs.models import Container, ContainerLogEntry, LogSnapshot
from prodlogs.query_fields import FIELDS
from prodlogs.retention import ContainerPurge, FollowPurge


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


GAP_READINGS = 1000  # readings with gaps that a list of gaps looks at
COLUMNS = EntryRow._fields[:-1]
CONTAINER_ID = COLUMNS.index("container_id")


class ContainerSource(LogSource):
    """The source `container`."""

    name = "container"
    title = "Container logs"
    permission = "prodlogs.view_containerlogentry"
    stream = ("container_id",)
    retention = Retention("RETENTION_DAYS_CONTAINERS", (ContainerPurge, FollowPurge))
    fields = FIELDS
    index = INDEX
    minute_counts = COUNTS

    def metrics(self) -> Iterable[Metric]:
        return metrics()

    def gaps(self, window: Window) -> Iterator[Gap]:
        """Of the newest readings that found some."""
        readings = LogSnapshot.objects.exclude(gaps=[]).order_by("-started_at", "-id")
        if window.since is not None:
            readings = readings.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=window.since))
        for reading in readings[:GAP_READINGS]:
            where = f"{reading.host_name}/{reading.container_name}"
            for gap in reading.gaps:
                after, before = _moment(gap.get("after")), _moment(gap.get("before"))
                if _overlaps(after, before, window):
                    yield Gap(self.name, after, before, f"{where} {gap['stream']}", gap["reason"])

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


def _moment(text: str | None) -> int | None:
    return from_rfc3339(text) if text else None


def _overlaps(after: int | None, before: int | None, window: Window) -> bool:
    """Whether the stretch between the two times has a part in `window`."""
    if window.since is not None and before is not None and before <= to_nanoseconds(window.since):
        return False
    return window.until is None or after is None or after < to_nanoseconds(window.until)


def _attributes(row: ContainerLogEntry | EntryRow) -> dict[str, Any]:
    found = {
        "container_id": row.container.container_id,
        "stream": row.stream,
        "sequence": row.sequence or None,
        "truncated_bytes": row.truncated_bytes or None,
    }
    return {name: value for name, value in found.items() if value is not None}
