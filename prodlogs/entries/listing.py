"""Stored entries as the interfaces hand them out, by container and time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.utils import timezone

from logsite.audit import current_reader
from logsite.records import SourceView, get_source
from logsite.records.query import Condition
from logsite.tables.nanoseconds import rfc3339
from prodlogs.entries.queries import of_levels
from prodlogs.models import Container, ContainerLogEntry, DockerHost

Query = str | Condition | None
LONGEST = 24 * 366  # hours
COLUMNS = ("container_id", "container_name", "timestamp", "level", "message", "raw_line")


class EntryDict(TypedDict):
    """One entry: `timestamp` in UTC with nine digits, `level` None where the line says none."""

    container_name: str
    timestamp: str
    level: str | None
    message: str
    raw_line: str


def since_hours(hours: float, now: datetime | None = None) -> datetime:
    """The moment `hours` ago. Raises ValueError for what is no number above 0 and up to 366 days."""
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= LONGEST:
        raise ValueError(f"hours: {hours!r} is not a number above 0 and up to {LONGEST}")
    return (now or timezone.now()) - timedelta(hours=hours)


def chosen_hours(hours: float, hours_back: float | None) -> float:
    """The same number by the other name, where it was given."""
    return hours if hours_back is None else hours_back


def entries_seen() -> SourceView:
    """What the current reader sees of the entries: of a request its user, of a command the site itself."""
    return get_source("container").view(current_reader())


def named(hosts: Sequence[DockerHost], names: Sequence[str]) -> QuerySet[Container]:
    """The hosts' containers that are called so: by name, by id, or by the twelve digits that `docker ps` shows."""
    rows = Container.objects.alias(short_id=Left("container_id", 12))
    return rows.filter(Q(name__in=names) | Q(container_id__in=names) | Q(short_id__in=names), host__in=hosts)


def stored(
    hosts: Sequence[DockerHost],
    since: datetime,
    *,
    containers: Sequence[str] | None = None,
    levels: Sequence[str] | None = None,
    query: Query = None,
) -> QuerySet[ContainerLogEntry]:
    """The entries of the hosts' containers since then, oldest first, as the current reader sees them.

    Raises PermissionMissing, and QueryError.
    """
    rows = entries_seen().rows(query).filter(container__host__in=hosts, timestamp__gte=since)
    if containers is not None:
        rows = rows.filter(container__in=named(hosts, containers))
    if levels is not None:
        rows = of_levels(rows, levels)
    return rows.order_by("timestamp", "id")


def as_dicts(
    rows: QuerySet[ContainerLogEntry], names: Mapping[int, str] | None = None
) -> Iterator[EntryDict]:
    """The rows in their order, a few thousand in memory at a time; with `names`, of `titles`, under these."""
    for pk, name, *columns in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield entry_dict((names or {}).get(pk, name), *columns)


def entry_dict(name: str, timestamp: int, level: str, message: str, raw: str | None) -> EntryDict:
    """A row as the interfaces show it: no level is None, no raw line is the message."""
    return EntryDict(
        container_name=name,
        timestamp=rfc3339(timestamp),
        level=level or None,
        message=message,
        raw_line=message if raw is None else raw,
    )


def titles(hosts: Sequence[DockerHost]) -> dict[int, str]:
    """What each container is called, by its row's id: its name, or host/name where two hosts have one.

    A container that was made anew under its old name goes on under the name. A container that a reader finds
    meanwhile has none: its entries come with the next answer.
    """
    rows = list(Container.objects.filter(host__in=hosts).values_list("pk", "host__name", "name"))
    owners: dict[str, set[str]] = {}
    for _, host, name in rows:
        owners.setdefault(name, set()).add(host)
    return {pk: name if len(owners[name]) == 1 else f"{host}/{name}" for pk, host, name in rows}


def by_container(
    hosts: Sequence[DockerHost], rows: QuerySet[ContainerLogEntry]
) -> dict[str, list[EntryDict]]:
    """The rows by container title; a container that Docker lists and that has no rows has an empty list."""
    names = titles(hosts)
    listed = Container.objects.filter(host__in=hosts, removed_at__isnull=True).values_list("pk", flat=True)
    found: dict[str, list[EntryDict]] = {names[pk]: [] for pk in listed if pk in names}
    for pk, *columns in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        if pk in names:
            found.setdefault(names[pk], []).append(entry_dict(*columns))
    return found
