"""What pages show of applications: which ones send, and what stands around an entry."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from logsite.records import LogRecord, SourceView, Window
from logsite.records.query.conditions import OneOf
from logsite.records.search import context

DAY = timedelta(days=1)
ERRORS = "level:(ERROR OR CRITICAL)"
AROUND = 10  # entries before one, and after it


class Activity(NamedTuple):
    """One application: its entries and errors of a day, and its newest entry."""

    app: str
    entries: int
    errors: int
    newest: LogRecord | None


class Activities(NamedTuple):
    """Those with the most entries. `exact` is False where the numbers are of a sample."""

    apps: list[Activity]
    since: datetime
    exact: bool


class Neighbour(NamedTuple):
    record: LogRecord
    is_entry: bool


def apps_of(view: SourceView, now: datetime | None = None) -> Activities:
    """The applications of the last 24 hours."""
    since = (now or timezone.now()) - DAY
    window = Window(since)
    entries = view.facets("", window, ["app"])
    errors = dict(view.facets(ERRORS, window, ["app"]).values["app"])
    apps = [
        Activity(app, number, errors.get(app, 0), _newest(view, app, window))
        for app, number in entries.values["app"]
    ]
    return Activities(apps, since, entries.exact)


def _newest(view: SourceView, app: str, window: Window) -> LogRecord | None:
    found = view.page(OneOf(view.fields["app"], (app,)), window, limit=1)
    return found[0] if found else None


def neighbours(view: SourceView, row_id: int) -> list[Neighbour]:
    """The entry with what the same application on the same host sent before and after, oldest first."""
    found = context(view, row_id, before=AROUND, after=AROUND)
    if found is None:
        return []
    around = [*found.before, found.entry, *found.after]
    return [Neighbour(record, record.id == found.entry.id) for record in around]
