"""System checks of where session events are stored."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import Error as DatabaseError
from django.db import connections


@register()
def check_database_is_shared(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
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


@register(Tags.database)
def check_fulltext_index(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
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
