"""System checks of where session events are stored."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


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
