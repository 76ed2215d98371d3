"""Tokens and counts of rows that a test has made by itself, and whether they are true."""

import random
from collections.abc import Sequence
from time import time_ns
from typing import Any

from django.db import connection, models, transaction

from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.places import Key, Window
from logsite.records.views import SourceView
from logsite.tables.nanoseconds import as_nanoseconds, from_nanoseconds, to_nanoseconds
from logsite.tables.segments import DAY
from prodlogs.entry_index import COUNTS, INDEX
from prodlogs.models import ContainerLogEntry
from prodlogs.reading.entry_rows import INDEXED
from sessionlogs import event_index
from sessionlogs.models import SessionLog
from sessionlogs.recording.storing import tokens_of
from tests.soak import short_or_long


def store_entries(rows: Sequence[ContainerLogEntry]) -> Sequence[ContainerLogEntry]:
    """Store entries of containers as a reading does; with their ids."""
    with transaction.atomic():
        ContainerLogEntry.objects.bulk_create(rows)
        columns = {name: [getattr(row, name) for row in rows] for name in INDEXED}
        columns["timestamp"] = [as_nanoseconds(moment) for moment in columns["timestamp"]]
        add(INDEX, rows, columns["timestamp"], INDEX.tokens_of_rows(columns))
        COUNTS.append(columns["timestamp"], columns["level"], columns["container_name"])
    return rows


def store_events(rows: Sequence[SessionLog]) -> Sequence[SessionLog]:
    """Store events of sessions as the writer does; with their ids."""
    with transaction.atomic():
        SessionLog.objects.bulk_create(rows)
        times = [to_nanoseconds(row.timestamp) for row in rows]
        add(event_index.INDEX, rows, times, tokens_of(rows))
        levels = ["ERROR" if row.failed else "INFO" for row in rows]
        event_index.COUNTS.append(times, levels, [row.device for row in rows])
    return rows


def add(index: SegmentIndex, rows: Sequence[models.Model], times: list[int], tokens: list[str]) -> None:
    """Give stored rows their tokens."""
    ids = [row.pk for row in rows]
    if connection.vendor == "sqlite":
        index.add(ids, times, tokens)
    else:
        index.renew(ids, tokens)


def asked_twice(
    views: tuple[SourceView, SourceView], leaves: Sequence[str], facets: list[str], number: int
) -> list[Any]:
    """The queries, made of `leaves`, to which two views of the same rows give different answers."""
    seeded, wrong = random.Random(11), []
    times = views[0].source.queryset().values_list("timestamp", "id")
    keys = [Key(as_nanoseconds(moment), row_id) for moment, row_id in times] or [Key(0, 0)]
    now = time_ns()
    ends = [None, None, *map(from_nanoseconds, (now, now // DAY * DAY, now - 3 * DAY, now // 60 * 60))]
    for _ in range(short_or_long(number, 2000)):
        query = seeded.choice([" ", " OR "]).join(seeded.choices(leaves, k=seeded.randrange(3)))
        window = Window(seeded.choice(ends), seeded.choice(ends))
        before, newest = seeded.choice([None, None, seeded.choice(keys)]), seeded.random() < 0.7
        limit, step = seeded.choice([1, 3, 50]), seeded.choice([60, 90, 3600])
        found = [
            (
                view.page(query, window, before=before, limit=limit, newest_first=newest),
                view.counts(query, window, step),
                view.facets(query, window, facets),
            )
            for view in views
        ]
        if found[0] != found[1]:
            wrong.append((query, window, before, limit, newest))
    return wrong
