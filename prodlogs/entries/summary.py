"""Errors of all containers in one view: how many, where, which first."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from logsite.records import to_nanoseconds
from logsite.tables.nanoseconds import rfc3339
from prodlogs.entries.listing import (
    COLUMNS,
    EntryDict,
    Query,
    entries_seen,
    entry_dict,
    since_hours,
    stored,
    titles,
)
from prodlogs.entries.queries import ERRORS
from prodlogs.models import Container, ContainerLogEntry, DockerHost

RECENT = 10  # errors of a container that the summary shows
ISSUES = 50
LOOKED_AT = 5_000  # of the newest errors, for issues
MESSAGE = 500  # characters of an issue's message

# What stops a service whatever its own level for it: memory, disk, descriptors, crashes.
_GRAVE = re.compile(
    r"out of memory|OutOfMemoryError|MemoryError|cannot allocate memory|no space left on device|disk full"
    r"|too many open files|segmentation fault|SIGSEGV|core dumped|read-only file system|deadlock",
    re.IGNORECASE,
)


class Errors(TypedDict):
    error_count: int
    recent_errors: list[EntryDict]


class Issue(TypedDict):
    """`severity` is "critical" for an entry that calls itself so, "high" for what stops a service anyway."""

    container: str
    timestamp: str
    message: str
    severity: str


class Summary(TypedDict):
    """What `error_summary` gives; `critical_issues` are the newest first."""

    timestamp: str
    analysis_period_hours: float
    total_containers: int
    containers_with_errors: int
    total_error_entries: int
    error_breakdown: dict[str, Errors]
    critical_issues: list[Issue]


def error_summary(
    hours: float, hosts: Sequence[DockerHost], now: datetime | None = None, *, query: Query = None
) -> Summary:
    """The entries of level ERROR and CRITICAL of the last `hours` that `query` finds. Raises ValueError."""
    now = now or timezone.now()
    since = since_hours(hours, now)
    names = titles(hosts)
    errors = stored(hosts, since, levels=ERRORS, query=query)
    counts: dict[str, int] = {}
    for pk, number in errors.order_by().values_list("container").annotate(Count("id")):
        if pk in names:
            counts[names[pk]] = counts.get(names[pk], 0) + number
    shown = _newest(errors, names)
    worst = sorted(counts, key=lambda name: (-counts[name], name))
    return Summary(
        timestamp=rfc3339(to_nanoseconds(now)),
        analysis_period_hours=int(hours) if hours == int(hours) else hours,
        total_containers=_containers(hosts, set(counts), names),
        containers_with_errors=len(counts),
        total_error_entries=sum(counts.values()),
        error_breakdown={
            name: Errors(error_count=counts[name], recent_errors=shown.get(name, [])) for name in worst
        },
        critical_issues=_issues(errors, names),
    )


def _newest(errors: QuerySet[ContainerLogEntry], names: Mapping[int, str]) -> dict[str, list[EntryDict]]:
    """The newest RECENT errors of each container by its title, oldest first; by one query for all of them."""
    newest = ("-timestamp", "-id")
    rank = Window(RowNumber(), partition_by=F("container"), order_by=newest)
    ids = errors.order_by().annotate(rank=rank).filter(rank__lte=RECENT).values("pk")
    rows = entries_seen().rows().filter(pk__in=ids).order_by("timestamp", "id")
    found: dict[str, list[EntryDict]] = {}
    for pk, *columns in rows.values_list(*COLUMNS):
        if pk in names:
            found.setdefault(names[pk], []).append(entry_dict(*columns))
    return {name: entries[-RECENT:] for name, entries in found.items()}


def _containers(hosts: Sequence[DockerHost], with_errors: set[str], names: dict[int, str]) -> int:
    """Those that Docker lists, and those that are gone but said something bad."""
    listed = Container.objects.filter(host__in=hosts, removed_at__isnull=True).values_list("pk", flat=True)
    return len(with_errors | {names[pk] for pk in listed if pk in names})


def _issues(errors: QuerySet[ContainerLogEntry], names: dict[int, str]) -> list[Issue]:
    columns = ("container_id", "timestamp", "level", "message")
    newest = errors.order_by("-timestamp", "-id").values_list(*columns)[:LOOKED_AT]
    found = []
    for pk, timestamp, level, message in newest:
        severity = "critical" if level == "CRITICAL" else "high" if _GRAVE.search(message) else ""
        if severity and pk in names:
            found.append(
                Issue(
                    container=names[pk],
                    timestamp=rfc3339(timestamp),
                    message=message[:MESSAGE],
                    severity=severity,
                )
            )
        if len(found) == ISSUES:
            break
    return found
