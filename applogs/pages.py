"""What application logs show on pages of other rooms: the errors of a day, and a finder of applications."""

from django.utils import timezone

from applogs.activity import DAY, ERRORS
from logsite.api.pages import (
    FINDER_HITS,
    PANEL_ROWS,
    Hit,
    Link,
    Panel,
    filter_time,
    page_url,
    register_finder,
    register_panel,
)
from logsite.audit import Reader
from logsite.records import Window, get_source

VIEW_ENTRY = "applogs.view_logentry"
ENTRIES = "applogs_logentry_changelist"


def register() -> None:
    """Make all of this known; called in `AppConfig.ready`."""
    register_finder(find_apps, permission=VIEW_ENTRY)
    register_panel("app_errors", app_errors, permission=VIEW_ENTRY, queries=12)


def app_errors(reader: Reader) -> Panel:
    """The applications with the most errors in the last day."""
    since = timezone.now() - DAY
    found = get_source("app").view(reader).facets(ERRORS, Window(since), ["app"])
    day = {"query": ERRORS, "since": filter_time(since)}
    return Panel(
        "Errors of applications in 24 hours",
        ("Errors", "Application"),
        [
            (number, Link(app, page_url(ENTRIES, app=app, **day)))
            for app, number in found.values["app"][:PANEL_ROWS]
        ],
        page_url(ENTRIES, **day),
    )


def find_apps(text: str, reader: Reader) -> list[Hit]:
    """Applications by the beginning of their name, of those in the newest entries."""
    names = get_source("app").view(reader).values("app", 200)
    beginning = text.lower()
    found = [name for name in names if name.lower().startswith(beginning)]
    return [Hit(name, page_url(ENTRIES, app=name), "application") for name in found[:FINDER_HITS]]
