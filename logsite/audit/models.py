"""The table of audit entries."""

from django.db import models

from logsite.audit.event_types import Severity, event_type_choices
from logsite.audit.reader import VIAS
from logsite.tables.log_row import LogRow


class AuditEntry(LogRow):
    """Something that a person, a command or the site did or was denied. Append-only; `purge_logs` removes old ones.

    No foreign keys: an entry outlives the user and whatever else it names, and lies in another database on SQLite.
    """

    timestamp = models.DateTimeField()
    event_type = models.CharField(max_length=32, choices=event_type_choices)
    severity = models.CharField(max_length=16, choices=Severity)
    user = models.CharField(max_length=150, blank=True, help_text="A user of the site, or a system account.")
    user_id = models.CharField(max_length=64, blank=True, help_text="Empty for a system account.")
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Where the request came from.")
    via = models.CharField(max_length=8, choices=[(name, name) for name in VIAS])
    what = models.CharField(max_length=64, blank=True, help_text="Such as devices.device, export or purge.")
    target = models.CharField(max_length=255, blank=True, help_text="The name of what it was done to.")
    details = models.JSONField(default=dict)
    count = models.PositiveBigIntegerField(
        default=1, help_text="How many rows were seen, given out, removed."
    )

    class Meta:
        db_table = "audit_entries"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["xact", "id"], name="audit_entry_cursor"),
            models.Index(fields=["-timestamp", "-id"], name="audit_entry_newest"),
            models.Index(fields=["user", "-timestamp"], name="audit_entry_user"),
            models.Index(fields=["event_type", "-timestamp"], name="audit_entry_event"),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp:%Y-%m-%d %H:%M:%S} {self.event_type} {self.user}"
