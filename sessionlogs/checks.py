"""System checks of where session events are stored."""

from collections.abc import Sequence
from operator import lt
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import connections

from logsite.checks import out_of_bounds
from logsite.housekeeping.purge_runs import RetentionError
from sessionlogs.retention import rules


@register("sessionlogs")
def check_database_is_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Session events are stored by a thread of its own, whose connection must see the same database."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3") or ":memory:" not in str(database["NAME"]):
        return []
    return [
        Error(
            "DATABASE_URL: a database in memory belongs to one connection; no session event would be stored",
            hint="Give a file, as in sqlite:////var/lib/logsite/logsite.sqlite3, or a postgres:// address.",
            id="sessionlogs.E001",
        )
    ]


@register("sessionlogs")
def check_retention(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A rule that cannot be read would be found out by the nightly purge."""
    try:
        rules()
    except RetentionError as error:
        return [Error(str(error), hint="docs/retention.md has examples.", id="sessionlogs.E002")]
    return []


@register("sessionlogs")
def check_size_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A limit of a few bytes keeps nothing of any response."""
    text, hint = "{name}={value} must be at least {bound} bytes", "See docs/retention.md."
    return [
        *out_of_bounds({"SESSION_LOG_RESPONSE_LIMIT": 1024}, lt, text, hint, id="sessionlogs.E003"),
        *out_of_bounds({"SESSION_LOG_QUEUE_BYTES": 1024}, lt, text, hint, id="sessionlogs.E004"),
    ]


@register(Tags.database, "sessionlogs")
def check_fulltext_index(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """On PostgreSQL a search over answers needs its index; `check --database default` and `migrate` look."""
    from sessionlogs.fulltext import has_index

    if "default" not in (databases or ()) or connections["default"].vendor != "postgresql":
        return []
    try:
        if has_index():
            return []
    except DatabaseError:
        return []  # `migrate` says better that the database is away
    return [
        Warning(
            "Searching session events reads every row of the time range: the index for it is missing",
            hint="As the database's superuser: CREATE EXTENSION pg_trgm; then run manage.py migrate.",
            id="sessionlogs.W001",
        )
    ]
