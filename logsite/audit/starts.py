"""Puts on record, when a web process starts, which settings differ from those of the last start on record.

An entry has the name of each setting and a digest of its value: keyed with SECRET_KEY, so that nobody can try values.
A start without a difference has no entry.
"""

import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.db import Error, connections
from django.utils.crypto import salted_hmac

from logsite.audit.event_types import EventType, Severity
from logsite.audit.reader import Reader
from logsite.audit.recording import record
from logsite.audit.routing import ALIAS
from logsite.encryption.keys import read_secret
from logsite.environment import secrets_read, values_read

log = logging.getLogger(__name__)
WHAT = "settings"
FIELD_KEYS = "FIELD_ENCRYPTION_KEYS"  # read when the first encrypted column is, which may come later
DIGEST_CHARACTERS = 16
RETRY_SECONDS = 30


def put_start_on_record(**_: Any) -> None:
    """Do it in the background: the database may not be there yet, and the caller may run an event loop."""
    threading.Thread(target=_until_recorded, name="settings on record", daemon=True).start()


def _until_recorded() -> None:
    while True:
        try:
            record_settings()
            return
        except Error as error:
            log.warning("the settings of this start are not on record yet: %s", type(error).__name__)
        finally:
            connections[ALIAS].close()
        time.sleep(RETRY_SECONDS)


def record_settings() -> None:
    """Write an entry where a setting was added, removed or changed since the last entry.

    Raises the database's error.
    """
    from logsite.audit.models import AuditEntry

    rows = AuditEntry.objects.filter(event_type=EventType.SENSITIVE_UPDATE, what=WHAT)
    before = rows.order_by("-timestamp", "-id").values_list("details", flat=True).first()
    now = digests()
    known = before["digests"] if before else {}
    if known == now:
        return
    changed = sorted(name for name in {*known, *now} if known.get(name) != now.get(name))
    details: dict[str, Any] = {"first": before is None, "changed": changed, "digests": now}
    if before and "SECRET_KEY" in changed:  # all digests are others by it, so that none says anything
        details["changed"], details["not_comparable"] = ["SECRET_KEY"], True
    record(EventType.SENSITIVE_UPDATE, Severity.WARNING, Reader(None, "", "system"), details, what=WHAT)


def digests() -> dict[str, str]:
    """A digest of the value of each setting that the environment sets, and of SECRET_KEY."""
    values = values_read()
    values |= {name: read_secret(name) or "" for name in {*secrets_read, FIELD_KEYS}}
    values["SECRET_KEY"] = settings.SECRET_KEY
    return {
        name: salted_hmac("logsite.audit.starts", value, algorithm="sha256").hexdigest()[:DIGEST_CHARACTERS]
        for name, value in sorted(values.items())
        if value
    }
