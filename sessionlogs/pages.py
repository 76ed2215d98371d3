"""What sessions show on pages of other rooms: failed sessions, who did what, lost events, finders.

All but the lost events comes from the table of sessions: no event is read, and nothing is found by what a device
answered.
"""

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max
from django.utils import timezone

from logsite.api.pages import (
    FINDER_HITS,
    PANEL_ROWS,
    Card,
    Hit,
    Link,
    Panel,
    counted,
    filter_time,
    may,
    page_url,
    register_card,
    register_finder,
    register_panel,
)
from logsite.audit import Reader
from logsite.housekeeping.counters import LOST
from logsite.housekeeping.models import Counter
from sessionlogs.models import Session, SessionStatus
from sessionlogs.statistics import PERMISSIONS

DAY = timedelta(days=1)
VIEW_SESSION, VIEW_EVENT = "sessionlogs.view_session", "sessionlogs.view_sessionlog"
SESSIONS, SESSION = "sessionlogs_session_changelist", "sessionlogs_session_change"
FAILED = {"status__exact": SessionStatus.FAILED.value}  # the filter of the list of sessions

# Each step jumps to the next name in the index. A DISTINCT reads the index from end to end: there are few users, and
# millions of sessions.
_USERS = """
WITH RECURSIVE names(name) AS (
    SELECT MIN("user") FROM sessions WHERE "user" > ''
    UNION ALL
    SELECT (SELECT MIN("user") FROM sessions WHERE "user" > name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL
"""


def register() -> None:
    """Make all of this known; called in `AppConfig.ready`."""
    register_card(events_lost, permission=VIEW_EVENT, queries=1)
    register_finder(find_session, permission=VIEW_SESSION)
    register_finder(find_users, permission=VIEW_SESSION)
    register_panel("failed_sessions", failed_sessions, permission=VIEW_SESSION, queries=1)
    register_panel("newest_sessions", newest_sessions, permission=VIEW_SESSION, queries=1)


def events_lost(reader: Reader) -> Card:
    """How many events no try stored, since the site began: such a number never goes away by itself."""
    number = Counter.objects.filter(name=LOST).values_list("value", flat=True).first() or 0
    seen = all(may(reader, permission) for permission in PERMISSIONS)
    url = page_url("sessionlogs_statistics_changelist") if seen else ""
    why = "no try stored them; the logs of the recording processes say why" if number else ""
    return Card(f"{counted(number, 'event', 'events')} of sessions lost", why=why, url=url, ok=not number)


def failed_sessions(reader: Reader) -> Panel:
    """The failed sessions of the last day, folded by device and reason, the newest first."""
    since = timezone.now() - DAY
    rows = Session.objects.filter(status=SessionStatus.FAILED, started_at__gte=since).order_by()
    folded = rows.values_list("device", "error_message").annotate(times=Count("pk"), last=Max("started_at"))
    return Panel(
        "Failed sessions in 24 hours",
        ("Last", "Device", "Why", "Times"),
        [
            (last, Link(device, page_url(SESSIONS, device=device, **FAILED)), why, times)
            for device, why, times, last in folded.order_by("-last", "device")[:PANEL_ROWS]
        ],
        page_url(SESSIONS, **FAILED, since=filter_time(since)),
    )


def newest_sessions(reader: Reader) -> Panel:
    """Who did what in the last day, the newest first."""
    rows = Session.objects.filter(started_at__gte=timezone.now() - DAY).order_by("-started_at", "-session_id")
    columns = ("session_id", "started_at", "user", "device", "commands", "status")
    return Panel(
        "Who did what, newest first",
        ("Began", "User", "Device", "Commands", "Outcome"),
        [
            (started, user, Link(device, page_url(SESSION, session_id)), commands, status)
            for session_id, started, user, device, commands, status in rows.values_list(*columns)[:PANEL_ROWS]
        ],
        page_url(SESSIONS),
    )


def find_session(text: str, reader: Reader) -> list[Hit]:
    """The session with the id `text`."""
    try:
        session_id = UUID(text)
    except ValueError:
        return []
    rows = Session.objects.filter(pk=session_id).values_list("pk", "device", "user")
    return [
        Hit(f"session of {user} with {device}", page_url(SESSION, pk), "session") for pk, device, user in rows
    ]


def find_users(text: str, reader: Reader) -> list[Hit]:
    """Users who had a session, by the beginning of their name."""
    with connection.cursor() as sql:
        sql.execute(_USERS)
        names = [name for (name,) in sql.fetchall() if name.lower().startswith(text.lower())]
    return [Hit(name, page_url(SESSIONS, user=name), "user") for name in names[:FINDER_HITS]]
