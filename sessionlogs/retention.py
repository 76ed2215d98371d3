"""Removes sessions by age and class, and responses before their events, as a part of `purge_logs`.

Every session falls under one rule, the first that matches. A batch is one small transaction.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from logsite.housekeeping.purge_runs import Part, RetentionError, Tally
from logsite.records import Cursor, after, lowest_needed, to_nanoseconds
from logsite.records.indexes.removing import remove_day, remove_rows
from logsite.tables.octets import OctetLength
from logsite.tables.segments import DAY
from sessionlogs.event_index import COUNTS, INDEX
from sessionlogs.models import ErrorKind, Session, SessionLog, SessionStatus
from sessionlogs.recording.storing import tokens_of

SESSIONS_A_BATCH = 100
EVENTS_A_BATCH = 1000
OVERRIDE = re.compile(r"(platform|agent_type):([\w.-]+)=(\d+)")
RESPONSES = "responses"
LONGEST = 36_500  # days


@dataclass(frozen=True)
class Rule:
    """Sessions that `condition` matches, and no rule before it does, go after `days`; 0 keeps them for ever."""

    name: str
    days: int
    condition: Q

    def __str__(self) -> str:
        return f"{self.name}: {self.days} days" if self.days else f"{self.name}: for ever"


def rules() -> list[Rule]:
    """The rules of the settings, in the order in which they apply. Raises RetentionError."""
    refused = Q(error_kind=ErrorKind.AUTHENTICATION) & ~Q(status=SessionStatus.SUCCESS)
    found = [
        *_overrides(settings.RETENTION_OVERRIDES),
        Rule("authentication", settings.RETENTION_DAYS_AUTHENTICATION, refused),
        Rule("success", settings.RETENTION_DAYS, Q(status=SessionStatus.SUCCESS)),
        Rule("failed", settings.RETENTION_DAYS_FAILED, Q()),  # and what never ended
    ]
    for days in (*(rule.days for rule in found), settings.RETENTION_DAYS_RESPONSES):
        if not 0 <= days <= LONGEST:
            raise RetentionError(f"RETENTION_DAYS…: {days} is not between 0 and {LONGEST} days")
    return found


def _overrides(text: str) -> Iterator[Rule]:
    for word in text.split():
        if not (match := OVERRIDE.fullmatch(word)):
            raise RetentionError(
                f"RETENTION_OVERRIDES: {word!r} is not of the form platform:NAME=DAYS or agent_type:NAME=DAYS"
            )
        column, value, days = match.groups()
        yield Rule(f"{column}:{value}", int(days), Q(**{column: value}))


class SessionPurge(Part):
    """Sessions under the first rule that matches each, and responses before their events.

    `needed` is the cursor up to which rows were shipped.
    """

    def __init__(self, now: datetime, *, even_unshipped: bool) -> None:
        super().__init__(now, even_unshipped=even_unshipped)
        self.by_class = rules()
        self.needed: Cursor | None = None if even_unshipped else lowest_needed("session")

    def rules(self) -> list[str]:
        return [*map(str, self.by_class), f"{RESPONSES}: {settings.RETENTION_DAYS_RESPONSES or 'no'} days"]

    def report(self, tally: Tally) -> list[str]:
        sessions = [
            f"{rule}: {tally[rule.name, 'sessions']} sessions, {tally[rule.name, 'events']} events"
            for rule in self.by_class
        ]
        return [*sessions, f"{RESPONSES}: {tally[RESPONSES, 'responses']}"]

    def kept_for_shipping(self) -> str:
        if (needed := self.needed) is None:
            return ""
        kept = sum(self.due(rule).filter(self._unshipped(needed)).count() for rule in self.by_class)
        return f"{kept} sessions" if kept else ""

    def due(self, rule: Rule) -> QuerySet[Session]:
        """The sessions that are old enough under `rule`, oldest first."""
        if not rule.days:
            return Session.objects.none()
        before = self.by_class[: self.by_class.index(rule)]
        rows = Session.objects.filter(rule.condition, started_at__lt=self._cut_off(rule.days))
        for earlier in before:
            rows = rows.exclude(earlier.condition)
        return rows.order_by("started_at", "session_id")

    def removable(self, rule: Rule) -> QuerySet[Session]:
        """The sessions whose events have all been shipped to every reader that needs them."""
        return self.due(rule) if self.needed is None else self.due(rule).filter(~self._unshipped(self.needed))

    def responses(self) -> QuerySet[SessionLog]:
        """The responses that are due by themselves, of events that stay."""
        if not settings.RETENTION_DAYS_RESPONSES:
            return SessionLog.objects.none()
        rows = SessionLog.objects.filter(timestamp__lt=self._cut_off(settings.RETENTION_DAYS_RESPONSES))
        rows = rows.exclude(response="").order_by("timestamp", "id")
        if self.needed is not None:
            rows = rows.exclude(after(self.needed))
        for rule in self.by_class:
            if rule.days:
                rows = rows.exclude(session__in=self.removable(rule).order_by().values("pk"))
        return rows

    def _cut_off(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    @staticmethod
    def _unshipped(needed: Cursor) -> Exists:
        return Exists(SessionLog.objects.filter(after(needed), session=OuterRef("pk")))

    def count(self) -> Tally:
        tally: Tally = Counter()
        for rule in self.by_class:
            sessions = self.removable(rule)
            tally[rule.name, "sessions"] = sessions.count()
            events = SessionLog.objects.filter(session__in=sessions.order_by().values("pk"))
            tally[rule.name, "events"] = events.count() if rule.days else 0
        tally[RESPONSES, "responses"] = self.responses().count()
        return tally

    def batches(self, stopping: Callable[[], bool]) -> Iterator[Tally]:
        steps: list[Callable[[], Tally]] = [partial(self._remove, rule) for rule in self.by_class]
        for remove in (*steps, self._empty):
            while not stopping():
                with transaction.atomic():
                    tally = remove()
                    yield tally
                if not tally:
                    break
        for day in sorted({*INDEX.days(), *INDEX.unindexed_days()}):
            if day < to_nanoseconds(self.now) // DAY - 1 and not stopping():
                with transaction.atomic():
                    remove_day(day, INDEX, COUNTS)

    def _remove(self, rule: Rule) -> Tally:
        """Sessions with few events together; of a session with many, events alone until it has few."""
        tally: Tally = Counter()
        # Locked, or an event that comes meanwhile would go with its session, and be counted for ever.
        due = self.removable(rule).select_for_update(skip_locked=True)
        sessions = list(due.values_list("pk", flat=True)[:SESSIONS_A_BATCH])
        if not sessions:
            return tally
        events = SessionLog.objects.filter(session__in=sessions).order_by("id")
        ids = list(events.values_list("pk", flat=True)[: EVENTS_A_BATCH + 1])
        more, ids = len(ids) > EVENTS_A_BATCH, ids[:EVENTS_A_BATCH]
        tally[rule.name, "events"] = remove_rows(SessionLog.objects.filter(pk__in=ids), INDEX, COUNTS)
        if not more:
            Session.objects.filter(pk__in=sessions).delete()
            tally[rule.name, "sessions"] = len(sessions)
        return tally

    def _empty(self) -> Tally:
        """Responses go, and the event says how many bytes it had."""
        ids = list(self.responses().values_list("pk", flat=True)[:EVENTS_A_BATCH])
        if not ids:
            return Counter()
        SessionLog.objects.filter(pk__in=ids).update(
            truncated_bytes=F("truncated_bytes") + OctetLength("response"), response=""
        )
        events = list(SessionLog.objects.filter(pk__in=ids))
        INDEX.renew([event.pk for event in events], tokens_of(events))
        return Counter({(RESPONSES, "responses"): len(ids)})
