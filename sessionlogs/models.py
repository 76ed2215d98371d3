"""Device sessions and their events, append-only.

`session_logs` has the events. `sessions` has what lists, filters and labels need (device, user, outcome,
slowest command), kept up to date by the writer: an aggregate over millions of events would be too slow. Device
and user are stored as text, because a record outlives them. `execution_status` is stored with each event, not
read from the session, which changes: a record that is shipped twice must be the same to the byte.
"""

import uuid
from typing import Any, Self

from django.db import models

from logsite.records import LogRow
from logsite.records.indexes.minute_counts import MinuteCount
from logsite.records.indexes.unindexed import UnindexedDay


class EventType(models.TextChoices):
    """The eleven steps of a device session."""

    INTERFACE_COLLECTION_START = "interface_collection_start"
    CONNECTION_START = "connection_start"
    CONNECTION_SUCCESS = "connection_success"
    CONNECTION_FAILED = "connection_failed"
    INTERFACE_COMMANDS_PLANNED = "interface_commands_planned"
    COMMAND_SENT = "command_sent"
    COMMAND_RESPONSE = "command_response"
    COMMAND_FAILED = "command_failed"
    INTERFACE_COLLECTION_SUCCESS = "interface_collection_success"
    INTERFACE_COLLECTION_FAILED = "interface_collection_failed"
    DISCONNECTION = "disconnection"


FAILURES = (
    EventType.CONNECTION_FAILED,
    EventType.COMMAND_FAILED,
    EventType.INTERFACE_COLLECTION_FAILED,
)


class ErrorKind(models.TextChoices):
    """Why an event failed, for filters and statistics."""

    AUTHENTICATION = "authentication"
    HOST_KEY = "host_key", "host key"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    DEVICE = "device", "device's own error"
    PARSE = "parse"
    TOO_LARGE = "too_large", "response too large"
    INTERNAL = "internal"


class SessionStatus(models.TextChoices):
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class Session(models.Model):
    """One connection to one device, or the attempt at one.

    Device and user are kept as they were called then: a record outlives what it speaks of.
    """

    session_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.CharField(max_length=255)
    device_id = models.CharField(max_length=64, blank=True, help_text="The device's id in the inventory.")
    host = models.CharField(max_length=255, blank=True)
    platform = models.CharField(max_length=64, blank=True)
    agent_type = models.CharField(max_length=16, default="network")
    tags = models.JSONField(default=list, blank=True)
    user = models.CharField(max_length=150, blank=True)
    user_id = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=SessionStatus, default=SessionStatus.RUNNING)
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True)
    error_message = models.TextField(blank=True)
    commands = models.PositiveIntegerField(default=0, help_text="Commands sent.")
    failures = models.PositiveIntegerField(default=0, help_text="Events that failed.")
    slowest_ms = models.FloatField(null=True, blank=True, help_text="The slowest command, in milliseconds.")
    process = models.UUIDField(null=True, editable=False, help_text="The process that records it.")

    class Meta:
        db_table = "sessions"
        ordering = ["-started_at", "-session_id"]
        indexes = [
            models.Index(fields=["-started_at", "-session_id"], name="session_newest"),
            models.Index(fields=["device", "-started_at"], name="session_device"),
            models.Index(fields=["user", "-started_at"], name="session_user"),
            models.Index(fields=["status", "-started_at"], name="session_status"),
            models.Index(fields=["process"], name="session_process"),
        ]

    def __str__(self) -> str:
        return f"{self.device} {self.session_id}"


class SessionLogQuerySet(models.QuerySet["SessionLog"]):
    """Takes `device_id` and `user_id`, which are columns of the session, as if each event had them."""

    OF_SESSION = ("device_id", "user_id")

    def filter(self, *args: Any, **conditions: Any) -> Self:
        return super().filter(*args, **self._renamed(conditions))

    def exclude(self, *args: Any, **conditions: Any) -> Self:
        return super().exclude(*args, **self._renamed(conditions))

    def _renamed(self, conditions: dict[str, Any]) -> dict[str, Any]:
        return {
            f"session__{name}" if name.partition("__")[0] in self.OF_SESSION else name: value
            for name, value in conditions.items()
        }


# Of a command that a host ended with an exit code, `error_message` is what the command wrote to standard error.
IS_STDERR = models.Q(step__isnull=False, exit_code__isnull=False)


class SessionLog(LogRow):
    """One event of a session. `id` gives the order within a session; `duration_ms` is in milliseconds."""

    session = models.ForeignKey(
        Session, on_delete=models.CASCADE, related_name="events", db_column="session_id"
    )
    device = models.CharField(max_length=255)
    user = models.CharField(max_length=150, blank=True)
    event_type = models.CharField(max_length=32, choices=EventType)
    command = models.TextField(blank=True)
    response = models.TextField(blank=True)
    error_message = models.TextField(blank=True)
    duration_ms = models.FloatField(null=True, blank=True)
    timestamp = models.DateTimeField()
    step = models.PositiveIntegerField(
        null=True, blank=True, help_text="The command's number in its session, from 1."
    )
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True)
    exit_code = models.IntegerField(
        null=True, blank=True, help_text="The exit code of a Linux host's command; network devices have none."
    )
    execution_status = models.CharField(
        max_length=16,
        choices=SessionStatus,
        default=SessionStatus.RUNNING,
        help_text="The session's status at the time of this event.",
    )
    truncated_bytes = models.PositiveBigIntegerField(
        default=0,
        help_text="Bytes of the response that are not kept: over the size limit, or removed by age.",
    )
    withheld = models.CharField(
        max_length=64, blank=True, help_text="The texts in which a known secret had survived redaction."
    )

    timing = models.JSONField(
        default=dict, blank=True, help_text="Where the duration went, by part, in milliseconds."
    )

    objects = SessionLogQuerySet.as_manager()

    class Meta:
        db_table = "session_logs"
        verbose_name = "session event"
        ordering = ["-timestamp", "-id"]
        permissions = [("view_responses", "Can see what devices answered")]
        indexes = [
            models.Index(fields=["xact", "id"], name="session_log_cursor"),
            models.Index(fields=["-timestamp", "-id"], name="session_log_newest"),
            models.Index(fields=["device", "-timestamp"], name="session_log_device"),
            models.Index(fields=["event_type", "-timestamp"], name="session_log_event"),
            # Retention finds the old responses here without reading the events whose response is gone.
            models.Index(
                fields=["timestamp", "id"], condition=~models.Q(response=""), name="session_log_answer"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.device}"

    @property
    def failed(self) -> bool:
        return self.event_type in FAILURES

    @property
    def has_stderr(self) -> bool:
        """Whether `error_message` is a host's standard error: as much of an answer as `response`."""
        return bool(self.step is not None and self.exit_code is not None and self.error_message)

    @property
    def is_step(self) -> bool:
        """Whether `response` is a device's answer; elsewhere it is a detail of LogSite's own."""
        return self.step is not None


class SessionEventCount(MinuteCount):
    """How many events there are of a minute, a level and a device."""

    app = models.CharField(max_length=255, blank=True, help_text="The device.")

    class Meta(MinuteCount.Meta):
        db_table = "session_log_counts"

    def __str__(self) -> str:
        return f"{self.number} of minute {self.minute}"


class UnindexedSessionDay(UnindexedDay):
    """A day with events from before events had an index and minute counts."""

    class Meta(UnindexedDay.Meta):
        db_table = "session_log_unindexed_days"

    def __str__(self) -> str:
        return str(self.day)


class Statistics(Session):
    """The page of `statistics.py` in the admin; who may see sessions and their events may see it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "statistics"


class ResponseView(models.Model):
    """Somebody saw what devices answered. Append-only; it outlives the events it speaks of."""

    class What(models.TextChoices):
        SESSION = "session"
        EVENT = "event"
        LIST = "list"
        SEARCH = "search"
        DIFF = "diff"
        STORED = "stored", "stored response"

    class Via(models.TextChoices):
        ADMIN = "admin"
        API = "api", "API"
        STREAM = "stream"
        EXPORT = "export"
        CLI = "cli", "command"
        FEED = "feed"
        SYSTEM = "system"

    viewed_at = models.DateTimeField()
    user = models.CharField(max_length=150)
    user_id = models.CharField(max_length=64)
    address = models.GenericIPAddressField(null=True, blank=True, help_text="Where the request came from.")
    via = models.CharField(max_length=8, choices=Via)
    what = models.CharField(max_length=8, choices=What)
    session_id = models.UUIDField(null=True, blank=True)
    event_id = models.BigIntegerField(null=True, blank=True)
    stored_id = models.BigIntegerField(
        null=True, blank=True, help_text="The stored response of a collection; later collections remove it."
    )
    query = models.TextField(blank=True, help_text="What was searched or filtered for.")
    count = models.PositiveIntegerField(help_text="How many responses were shown.")

    class Meta:
        db_table = "response_views"
        ordering = ["-viewed_at", "-id"]
        indexes = [
            models.Index(fields=["-viewed_at", "-id"], name="response_view_newest"),
            models.Index(fields=["user", "-viewed_at"], name="response_view_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.what} {self.viewed_at:%Y-%m-%d %H:%M:%S}"
