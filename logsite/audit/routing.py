"""Which database audit entries are in: with the alias `audit`, always on a connection of its own.

On PostgreSQL the alias is a second connection to the site's database, so that a transaction which is rolled back
takes no entry along. On SQLite it is a file of its own: a second connection to one file would wait for the request
that holds the write lock, and the request for it.
"""

from typing import Any

from django.db import connections
from django.db.models import Model

ALIAS = "audit"
APP_LABEL = "audit"


def has_own_database() -> bool:
    """Whether audit entries have a database of their own, which is migrated by itself."""
    return connections[ALIAS].vendor == "sqlite"


class AuditRouter:
    """Sends the app's model to the alias, and makes its table where that leads to."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ALIAS if model._meta.app_label == APP_LABEL else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        if not has_own_database():
            return None
        return (db == ALIAS) == (app_label == APP_LABEL)
