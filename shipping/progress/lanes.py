"""What waits to be shipped, by destination and source."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, OuterRef, Subquery
from django.utils import timezone

from logsite.audit import SITE
from logsite.records import Cursor, CursorError, LogSource, from_nanoseconds, sources
from shipping.models import Destination, RunStatus, ShippingRun

# Entries may wait for so long before it is a fault: while a run ships them, and until the next run.
PATIENCE_IN_A_RUN = timedelta(minutes=5)
PATIENCE = timedelta(hours=1)
COUNTED = 10_000  # entries of a lane: counting millions costs more than it tells


@dataclass(frozen=True)
class Lane:
    """One source on its way to one enabled destination.

    `waiting` is counted up to COUNTED + 1, None where it is not known here, as of another LogSite's rows. `oldest`
    is the time of the oldest entry that waits. `source` is empty where nothing was ever shipped to the destination.
    `fault` says why entries do not get there; empty where they do.
    """

    destination_id: int
    destination: str
    source: str = ""
    waiting: int | None = None
    oldest: datetime | None = None
    refused: int = 0
    fault: str = ""


def lanes() -> list[Lane]:
    """The lanes of all enabled destinations by name, without backfills: one query, and up to three for each lane."""
    return list(_lanes(sources()))


def _lanes(known: dict[str, LogSource]) -> Iterator[Lane]:
    for row in _rows():
        place = {"destination_id": row["pk"], "destination": row["name"]}
        name = row["cursors__source"]
        if name is None:
            yield Lane(**place, fault="nothing was ever shipped")
        elif " " not in name:  # the key of a backfill has its window behind a space
            yield _lane(row, known.get(name), place)


def _rows() -> Any:
    runs = ShippingRun.objects.filter(destination=OuterRef("pk"), source=OuterRef("cursors__source"))
    last = runs.order_by("-started", "-id")
    columns = ("xact", "row_id", "source", "rejected", "updated_at")
    return (
        Destination.objects.filter(enabled=True)
        .annotate(status=Subquery(last.values("status")[:1]), error=Subquery(last.values("error")[:1]))
        .order_by("name", "cursors__source")
        .values("pk", "name", "status", "error", *(f"cursors__{column}" for column in columns))
    )


def _lane(row: dict[str, Any], source: LogSource | None, place: dict[str, Any]) -> Lane:
    waiting, oldest, fault = None, None, row["error"] or ""
    if source is not None:
        try:
            waiting, oldest = _waiting(source, Cursor(row["cursors__xact"], row["cursors__row_id"]))
        except CursorError as error:
            fault = fault or str(error)
    if oldest is not None and _late(max(oldest, row["cursors__updated_at"]), row["status"]):
        fault = fault or "entries wait, and no run ships them"
    return Lane(
        **place,
        source=row["cursors__source"],
        waiting=waiting,
        oldest=oldest,
        refused=row["cursors__rejected"],
        fault=fault,
    )


def _waiting(source: LogSource, cursor: Cursor) -> tuple[int, datetime | None]:
    """How many committed rows are behind `cursor`, up to COUNTED + 1, and the oldest one's time.

    Raises CursorError.
    """
    rows = source.view(SITE).rows_after(cursor).select_related(None).order_by("xact", "id")
    found = rows[: COUNTED + 1].aggregate(number=Count("pk"), oldest=Min("timestamp"))
    oldest = found["oldest"]
    return found["number"], from_nanoseconds(oldest) if isinstance(oldest, int) else oldest


def _late(since: datetime, status: str | None) -> bool:
    patience = PATIENCE_IN_A_RUN if status == RunStatus.RUNNING else PATIENCE
    return since < timezone.now() - patience
