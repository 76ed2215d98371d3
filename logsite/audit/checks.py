"""System checks of where audit entries are stored, and for how long."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from logsite.audit.routing import ALIAS
from logsite.checks import out_of_bounds

LONGEST = 36_500  # days


@register("audit")
def check_retention(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Days that the nightly purge could not use."""
    text, hint = "{name}={value} is not between 0 and 36500 days", "Set {name}; 0 keeps entries for ever."
    limits = {"RETENTION_DAYS_AUDIT": 0}
    return out_of_bounds(limits, lambda days, _: not 0 <= days <= LONGEST, text, hint, id="audit.E001")


@register("audit")
def check_own_file(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """On SQLite a request that has the write lock would wait for its own audit entry, and the entry for it."""
    default, own = settings.DATABASES["default"], settings.DATABASES[ALIAS]
    if not own["ENGINE"].endswith("sqlite3"):
        return []
    if Path(default["NAME"]).resolve() != Path(own["NAME"]).resolve():
        return []
    hint = "Give the site's database another name; audit entries have DATA_DIR/audit.sqlite3 to themselves."
    return [Error("DATABASE_URL names the file of the audit entries", hint=hint, id="audit.E002")]
