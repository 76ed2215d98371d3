"""What sessions say in numbers: slow commands, failing devices, refused logins, sessions a day.

Every figure is of one time range, read by index, and no query reads a response. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.functions import Substr, TruncDate
from django.utils import timezone

from logsite.text.moments import parse_iso
from logsite.web.answers import ParameterError
from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus

DEFAULT_RANGE = timedelta(days=7)
LONGEST_RANGE = timedelta(days=366)
# The tables name commands and users: who sees them may see sessions and events.
PERMISSIONS = ("sessionlogs.view_session", "sessionlogs.view_sessionlog")
TOP = 20  # rows of each table
COMMAND_CHARACTERS = 200  # a configuration set is told apart by its beginning
ANSWERS = (EventType.COMMAND_RESPONSE, EventType.COMMAND_FAILED)


@dataclass(frozen=True)
class TimeRange:
    """From `start` up to, not including, `end`."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: str | None, end: str | None) -> TimeRange:
        """The range between two ISO 8601 times; default: the last seven days. Raises ParameterError."""
        until = _moment("end_time", end) or timezone.now()
        since = _moment("start_time", start) or until - DEFAULT_RANGE
        if since >= until:
            raise ParameterError("start_time", "must be before end_time")
        if until - since > LONGEST_RANGE:
            raise ParameterError("start_time", f"must be at most {LONGEST_RANGE.days} days before end_time")
        return cls(since, until)

    def of(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        return rows.filter(**{f"{column}__gte": self.start, f"{column}__lt": self.end})


def _moment(field: str, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return max(parse_iso(text).astimezone(UTC), datetime(1971, 1, 1, tzinfo=UTC))
    except (ValueError, OverflowError):
        raise ParameterError(field, "not a time such as 2026-05-01T12:00:00Z") from None


@dataclass(frozen=True)
class SlowCommand:
    """A command on a device: how often it was answered, and how long that took, in milliseconds."""

    device: str
    command: str
    count: int
    p95_ms: float
    max_ms: float


@dataclass(frozen=True)
class FailingDevice:
    """A device with failed sessions; `since` is the first failure after its last success, None if it works again."""

    device: str
    failures: int
    last_failure: datetime
    since: datetime | None
    error: str
    error_kind: str


@dataclass(frozen=True)
class RefusedLogin:
    """How often a user's login to a device was refused."""

    user: str
    device: str
    count: int
    last: datetime


@dataclass(frozen=True)
class Day:
    """The sessions that began on a day, by how they ended."""

    day: date
    success: int
    failed: int
    running: int


# The 95th percentile is the nearest rank: the smallest time within which 95 % of the answers came. Both
# databases know CUME_DIST; only PostgreSQL knows percentile_disc, which sorts no more than once.
_SLOW = """
    SELECT device, beginning, COUNT(*), {p95} AS p95, MAX(duration_ms) AS longest
    FROM (SELECT device, beginning, duration_ms{share} FROM ({rows}) AS answers) AS shares
    GROUP BY device, beginning ORDER BY p95 DESC, longest DESC, device, beginning LIMIT {top}
"""
_ENGINES = {
    "postgresql": {"p95": "percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms)", "share": ""},
    "sqlite": {
        "p95": "MIN(CASE WHEN share >= 0.95 THEN duration_ms END)",
        "share": ", CUME_DIST() OVER (PARTITION BY device, beginning ORDER BY duration_ms) AS share",
    },
}


def slowest_commands(when: TimeRange, events: QuerySet[SessionLog]) -> list[SlowCommand]:
    """The commands with the highest 95th percentile, per device, of those among `events`."""
    answers = when.of(events, "timestamp").filter(
        event_type__in=ANSWERS, step__isnull=False, duration_ms__isnull=False
    )
    beginning = Substr("command", 1, COMMAND_CHARACTERS)
    rows = answers.order_by().select_related(None).values("device", "duration_ms", beginning=beginning)
    inner, parameters = rows.query.sql_with_params()
    with connection.cursor() as sql:
        sql.execute(_SLOW.format(rows=inner, top=TOP, **_ENGINES[connection.vendor]), parameters)
        return [SlowCommand(*row) for row in sql.fetchall()]


def failing_devices(when: TimeRange) -> list[FailingDevice]:
    """Those with the most failed sessions; three queries, however many there are."""
    failed, success = Q(status=SessionStatus.FAILED), Q(status=SessionStatus.SUCCESS)
    sessions = when.of(Session.objects.order_by(), "started_at")
    found = list(
        sessions.values("device")
        .annotate(
            failures=Count("pk", filter=failed),
            last_failure=Max("started_at", filter=failed),
            last_success=Max("started_at", filter=success),
        )
        .filter(failures__gt=0)
        .order_by("-failures", "device")[:TOP]
    )
    if not found:
        return []
    since = _first_failures(sessions.filter(failed), found)
    errors = _errors(sessions.filter(failed), found)
    return [
        FailingDevice(
            row["device"],
            row["failures"],
            row["last_failure"],
            since.get(row["device"]),
            *errors[row["device"]],
        )
        for row in found
    ]


def _first_failures(failed: QuerySet[Session], devices: Iterable[dict[str, Any]]) -> dict[str, datetime]:
    """Since when each device fails that has not succeeded after its last failure."""
    wanted = Q(pk__in=[])
    for row in devices:
        after = Q(started_at__gt=row["last_success"]) if row["last_success"] else Q()
        wanted |= Q(device=row["device"]) & after
    return dict(failed.filter(wanted).values_list("device").annotate(Min("started_at")))


def _errors(failed: QuerySet[Session], devices: Iterable[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """What each device's last failure said."""
    wanted = Q(pk__in=[])
    for row in devices:
        wanted |= Q(device=row["device"], started_at=row["last_failure"])
    rows = failed.filter(wanted).values_list("device", "error_message", "error_kind")
    return {device: (message, kind) for device, message, kind in rows}


def refused_logins(when: TimeRange) -> list[RefusedLogin]:
    """Logins that devices refused, by user and device."""
    rows = when.of(Session.objects.filter(status=SessionStatus.FAILED), "started_at")
    rows = rows.filter(error_kind=ErrorKind.AUTHENTICATION).order_by().values("user", "device")
    found = rows.annotate(count=Count("pk"), last=Max("started_at")).order_by("-count", "user", "device")
    return [RefusedLogin(**row) for row in found[:TOP]]


def sessions_by_day(when: TimeRange) -> list[Day]:
    """Every day of the range, also those without a session."""
    rows = when.of(Session.objects.order_by(), "started_at")
    counts: dict[tuple[date, str], int] = {
        (row["day"], row["status"]): row["number"]
        for row in rows.values("status", day=TruncDate("started_at", tzinfo=UTC)).annotate(number=Count("pk"))
    }
    first, last = when.start.astimezone(UTC).date(), when.end.astimezone(UTC).date()
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [
        Day(day, *(counts.get((day, status), 0) for status in ("success", "failed", "running")))
        for day in days
    ]


TABLES: dict[str, Callable[[TimeRange], list[Any]]] = {
    "failing_devices": failing_devices,
    "refused_logins": refused_logins,
    "sessions_by_day": sessions_by_day,
}


def statistics(when: TimeRange, events: QuerySet[SessionLog]) -> dict[str, list[Any]]:
    """All tables by name; of the events, those that a reader may see, or all of them."""
    of_sessions = {name: table(when) for name, table in TABLES.items()}
    return {"slowest_commands": slowest_commands(when, events), **of_sessions}
