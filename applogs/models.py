"""Entries that applications sent, and the ids by which they are known again."""

from django.db import models

from logsite.records import LEVELS, LogRow
from logsite.records.indexes.minute_counts import MinuteCount
from logsite.tables.nanoseconds import NanosecondsField, rfc3339


class Category(models.TextChoices):
    """What an entry is about."""

    SYSTEM = "system"
    SECURITY = "security"
    PERFORMANCE = "performance"
    API = "api"
    DATABASE = "database"
    NETWORK = "network"
    DEVICE = "device"
    CONTAINER = "container"
    USER = "user"
    AUDIT = "audit"


OBJECTS = ("context", "metadata", "performance_data", "labels", "attributes")  # columns of JSON


class LogEntry(LogRow):
    """One entry of an application's log. `timestamp` and `received_at` are in nanoseconds.

    An empty object is NULL.
    """

    timestamp = NanosecondsField(help_text="The sender's time, or without one the time of receipt.")
    received_at = NanosecondsField()
    level = models.CharField(max_length=10, blank=True, choices=[(level, level) for level in LEVELS])
    severity = models.PositiveSmallIntegerField(
        default=0, help_text="OpenTelemetry's severity number; 0: none."
    )
    category = models.CharField(max_length=32, blank=True)
    app = models.CharField(max_length=100, blank=True)
    host = models.CharField(max_length=255, blank=True)
    logger = models.CharField(max_length=255, blank=True)
    module = models.CharField(max_length=255, blank=True)
    function = models.CharField(max_length=255, blank=True)
    file = models.CharField(max_length=1024, blank=True)
    line = models.BigIntegerField(null=True)
    message = models.TextField(blank=True)
    trace_id = models.CharField(max_length=64, blank=True)
    span_id = models.CharField(max_length=64, blank=True)
    entry_id = models.CharField(max_length=128, blank=True, help_text="The sender's own id of the entry.")
    context = models.JSONField(null=True)
    metadata = models.JSONField(null=True)
    performance_data = models.JSONField(null=True)
    labels = models.JSONField(null=True)
    attributes = models.JSONField(null=True, help_text="What else the sender sent.")
    truncated_bytes = models.PositiveBigIntegerField(
        default=0, help_text="Bytes beyond the size limit, which were cut."
    )
    token_id = models.BigIntegerField(null=True, help_text="The ingest token by which it came.")
    protocol = models.CharField(max_length=16, help_text="Such as http, otlp or syslog.")

    class Meta:
        db_table = "app_log_entries"
        verbose_name = "application log entry"
        verbose_name_plural = "application log entries"
        ordering = ["-timestamp", "-id"]
        indexes = [
            models.Index(fields=["xact", "id"], name="app_entry_cursor"),
            models.Index(fields=["timestamp", "id"], name="app_entry_time"),
        ]

    def __str__(self) -> str:
        return f"{self.app} {rfc3339(self.timestamp)}"


class App(LogEntry):
    """The admin's page of applications; who may see entries may see it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "applications"


class EntryCount(MinuteCount):
    """How many entries there are of a minute, a level and an app."""

    class Meta(MinuteCount.Meta):
        db_table = "app_log_entry_counts"

    def __str__(self) -> str:
        return f"{self.number} of minute {self.minute}"


class EntryId(models.Model):
    """The id that a sender gave an entry: for 24 hours an entry with the same id is not stored again."""

    owner = models.CharField(max_length=64, help_text="`token:7` or `user:3`.")
    entry_id = models.CharField(max_length=128)
    received_at = NanosecondsField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["owner", "entry_id"], name="app_entry_id_once")]
        indexes = [models.Index(fields=["received_at"], name="app_entry_id_age")]

    def __str__(self) -> str:
        return f"{self.owner} {self.entry_id}"
