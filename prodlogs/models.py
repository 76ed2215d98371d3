"""Docker hosts, their containers, what was read of their logs, and every command that was sent."""

import uuid
from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from logsite.encryption.fields import EncryptedTextField
from logsite.records import LogRow
from logsite.records.indexes.minute_counts import MinuteCount
from logsite.records.indexes.unindexed import UnindexedDay
from logsite.ssh.host_keys import PinnedHost, PinnedHostQuerySet, address_validator
from logsite.tables.nanoseconds import NanosecondsField

name_validator = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", "Use letters, digits, dots, dashes and underscores."
)
user_validator = RegexValidator(
    r"\A[A-Za-z_][A-Za-z0-9_.-]{0,62}\$?\Z", "Give a login name without spaces or signs of a shell."
)


class ErrorKind(models.TextChoices):
    """Why something could not be read, for filters and statistics."""

    CONFIGURATION = "configuration"
    CONNECTION = "connection"
    AUTHENTICATION = "authentication"
    HOST_KEY = "host_key", "host key"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    DAEMON = "daemon", "Docker daemon"
    REMOVED = "removed", "container removed"
    DRIVER = "driver", "log driver"
    LIMIT = "limit", "size limit"
    DAMAGED = "damaged", "log file damaged"
    INTERNAL = "internal"


class HostStatus(models.TextChoices):
    """How a host answered when it was last connected to."""

    NEVER = "never", "never tried"
    OK = "ok", "answers"
    FAILED = "failed"


class DockerHostManager(models.Manager["DockerHost"]):
    """Secrets are read, and decrypted, only by whom asks for them: a lost key must not break every list."""

    def get_queryset(self) -> PinnedHostQuerySet["DockerHost"]:
        return PinnedHostQuerySet(self.model, using=self._db).defer("ssh_key", "ssh_key_passphrase")


class DockerHost(PinnedHost):
    """A machine whose containers are read over SSH. The key is encrypted and never shown again."""

    address_columns = ("address", "port")

    name = models.CharField(max_length=100, unique=True, validators=[name_validator])
    address = models.CharField(
        max_length=255, validators=[address_validator], help_text="DNS name or IP address."
    )
    user = models.CharField(max_length=64, validators=[user_validator])
    ssh_key = EncryptedTextField("SSH private key", blank=True)
    ssh_key_passphrase = EncryptedTextField("SSH key passphrase", blank=True)
    from_environment = models.BooleanField(
        default=False, editable=False, help_text="Defined by PRODLOGS_HOST; its key is read there."
    )
    enabled = models.BooleanField(
        default=True, help_text="Hosts that are not enabled are never connected to."
    )

    status = models.CharField(max_length=16, choices=HostStatus, default=HostStatus.NEVER, editable=False)
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True, editable=False)
    error_message = models.TextField(blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, editable=False, help_text="When it was last connected to.")
    answered_at = models.DateTimeField(
        null=True, editable=False, help_text="When a command last succeeded on it."
    )

    objects = DockerHostManager()

    class Meta:
        ordering = ["name"]
        base_manager_name = "objects"
        permissions = [
            ("collect_logs", "Can collect container logs now"),
            ("accept_host_key", "Can accept a host's key"),
        ]

    def __str__(self) -> str:
        return self.name

    def note_command(self, argv: list[str], *, user: str, via: str, **columns: Any) -> "RemoteCommand":
        """Put on record what was sent to the host, or asked for."""
        return RemoteCommand.objects.create(
            host=self, host_name=self.name, sent_at=timezone.now(), argv=argv, user=user, via=via, **columns
        )


class Container(models.Model):
    """A container as Docker last described it; a new one under an old name is another container."""

    host = models.ForeignKey(DockerHost, on_delete=models.CASCADE, related_name="containers")
    container_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    image = models.CharField(max_length=512, blank=True)
    state = models.CharField(max_length=16, blank=True, help_text="Docker's word: running, exited, …")
    health = models.CharField(
        max_length=16, blank=True, help_text="Docker's word, if the container has a health check."
    )
    exit_code = models.IntegerField(null=True, blank=True)
    restarts = models.PositiveIntegerField(default=0)
    tty = models.BooleanField(default=False)
    log_driver = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When Docker last listed it.")
    removed_at = models.DateTimeField(null=True, blank=True, help_text="When Docker first did not list it.")
    stats = models.JSONField(
        default=dict,
        blank=True,
        help_text="Of `docker stats`: cpu_percent, memory_bytes, memory_limit_bytes, network_in_bytes, …",
    )
    stats_at = models.DateTimeField(null=True, blank=True)
    covered_from = NanosecondsField(
        null=True,
        blank=True,
        editable=False,
        help_text="The log is stored from this time on, except for the recorded gaps; 0: from its beginning.",
    )
    aligned = models.BooleanField(
        default=True,
        editable=False,
        help_text="The watermarks of both streams mark the same place of the log.",
    )

    class Meta:
        ordering = ["host__name", "name", "-created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["host", "container_id"], name="container_once")]
        indexes = [models.Index(fields=["name"], name="container_name")]

    def __str__(self) -> str:
        return self.name


class Stream(models.TextChoices):
    """Which of its two outputs a container wrote to; one with a terminal has stdout alone."""

    STDOUT = "stdout"
    STDERR = "stderr"


class Watermark(models.Model):
    """How far a stream has been read: the last line's time, its number among the lines of that time, its length.

    `pending` are lines that were read and wait for the rest of their trace: [[timestamp, sequence, text], …].
    """

    container = models.ForeignKey(Container, on_delete=models.CASCADE, related_name="watermarks")
    stream = models.CharField(max_length=8, choices=Stream)
    timestamp = NanosecondsField()
    sequence = models.PositiveIntegerField(default=0)
    length = models.PositiveBigIntegerField(default=0, help_text="Bytes of the line as Docker sent it.")
    pending = models.JSONField(default=list, blank=True)
    open_secret = models.CharField(
        max_length=64,
        blank=True,
        help_text="The first words of a secret of several lines, such as a private key, whose end is still to come.",
    )

    class Meta:
        ordering = ["container_id", "stream"]
        constraints = [models.UniqueConstraint(fields=["container", "stream"], name="watermark_once")]

    def __str__(self) -> str:
        return f"{self.stream} {self.timestamp}"


class SnapshotStatus(models.TextChoices):
    """How far a reading can be trusted."""

    RUNNING = "running"
    COMPLETE = "complete"
    GAP = "gap", "complete but for gaps"
    PARTIAL = "partial", "ended early, to be continued"
    FAILED = "failed"


class SnapshotKind(models.TextChoices):
    """What a log was read for: once, on and on, or an older window."""

    COLLECT = "collect"
    FOLLOW = "follow"
    BACKFILL = "backfill"


class LogSnapshot(models.Model):
    """One reading of one container's log: what for, how much came, and whether anything is missing."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.ForeignKey(DockerHost, on_delete=models.SET_NULL, null=True, related_name="snapshots")
    container = models.ForeignKey(Container, on_delete=models.SET_NULL, null=True, related_name="snapshots")
    host_name = models.CharField(max_length=100)
    container_name = models.CharField(max_length=255, blank=True)
    kind = models.CharField(max_length=16, choices=SnapshotKind, default=SnapshotKind.COLLECT)
    status = models.CharField(max_length=16, choices=SnapshotStatus, default=SnapshotStatus.RUNNING)
    since = models.DateTimeField(
        null=True, blank=True, help_text="The time range that was asked for; empty: the whole log."
    )
    until = models.DateTimeField(null=True, blank=True)
    first = NanosecondsField(null=True, blank=True, help_text="The oldest entry that was stored.")
    last = NanosecondsField(null=True, blank=True, help_text="The newest.")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    lines = models.PositiveBigIntegerField(default=0, help_text="New lines read.")
    entries = models.PositiveBigIntegerField(default=0, help_text="Entries stored; a trace is one.")
    duplicates = models.PositiveBigIntegerField(default=0, help_text="Entries that were stored before.")
    truncated = models.PositiveBigIntegerField(default=0, help_text="Entries cut at the size limit.")
    bytes = models.PositiveBigIntegerField(default=0, help_text="Bytes that came over the wire.")
    gaps = models.JSONField(
        default=list,
        blank=True,
        help_text="Lost ranges: [{stream, after, before, reason}], times in RFC 3339.",
    )
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True)
    error_message = models.TextField(blank=True)
    started_by = models.CharField(max_length=150, blank=True)

    class Meta:
        verbose_name = "reading"
        ordering = ["-started_at", "-id"]
        indexes = [
            models.Index(fields=["-started_at", "-id"], name="log_snapshot_newest"),
            models.Index(fields=["container", "-started_at"], name="log_snapshot_container"),
            models.Index(fields=["status", "-started_at"], name="log_snapshot_status"),
        ]

    def __str__(self) -> str:
        return f"{self.host_name}/{self.container_name} {self.started_at:%Y-%m-%d %H:%M:%S}"


class ContainerLogEntry(LogRow):
    """One entry of a container's log; a trace of many lines is one. `timestamp` is in nanoseconds, Docker's own."""

    # No constraint: without an index, which every entry would pay for, each snapshot that goes would cost a look
    # at every entry. retention.py removes only those that have none left.
    snapshot = models.ForeignKey(
        LogSnapshot,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="log_entries",
        db_index=False,
        db_constraint=False,
    )
    container = models.ForeignKey(Container, on_delete=models.PROTECT, related_name="entries", db_index=False)
    container_name = models.CharField(max_length=255)
    stream = models.CharField(max_length=8, choices=Stream)
    timestamp = NanosecondsField()
    sequence = models.PositiveIntegerField(
        default=0,
        help_text="Its first line's number among the lines of the stream with the same time, from 0.",
    )
    level = models.CharField(max_length=16, blank=True, help_text="Empty if the line names no level.")
    level_rule = models.CharField(
        max_length=32, blank=True, help_text="The rule by which the level was found."
    )
    message = models.TextField(help_text="Without colours and other control sequences.")
    raw_line = models.TextField(
        null=True, blank=True, help_text="The line as the container wrote it; empty: the same as the message."
    )
    truncated_bytes = models.PositiveBigIntegerField(
        default=0, help_text="Bytes beyond the size limit, which were cut."
    )

    class Meta:
        db_table = "container_log_entries"
        verbose_name = "container log entry"
        verbose_name_plural = "container log entries"
        ordering = ["-timestamp", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["container", "timestamp", "stream", "sequence"], name="container_entry_once"
            )
        ]
        indexes = [
            models.Index(fields=["xact", "id"], name="container_entry_cursor"),
            # Ascending, though read backwards: what comes last is put at the end, which takes half the time.
            models.Index(fields=["timestamp", "id"], name="container_entry_time"),
            models.Index(
                fields=["level", "timestamp"],
                condition=~models.Q(level=""),
                name="container_entry_level_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.container_name} {self.timestamp}"

    @property
    def raw(self) -> str:
        """The line as the container wrote it."""
        return self.message if self.raw_line is None else self.raw_line


class ContainerEntryCount(MinuteCount):
    """How many entries there are of a minute, a level and a container's name."""

    level = models.CharField(max_length=16, blank=True)
    app = models.CharField(max_length=255, blank=True, help_text="The container's name.")

    class Meta(MinuteCount.Meta):
        db_table = "container_log_entry_counts"

    def __str__(self) -> str:
        return f"{self.number} of minute {self.minute}"


class UnindexedContainerDay(UnindexedDay):
    """A day with entries from before entries had an index and minute counts."""

    class Meta(UnindexedDay.Meta):
        db_table = "container_log_unindexed_days"

    def __str__(self) -> str:
        return str(self.day)


class Errors(ContainerLogEntry):
    """The admin's way to the entries of the levels ERROR and CRITICAL; who may see entries may see it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "errors"


class Follow(ContainerLogEntry):
    """The admin's page that shows entries as they come; who may see entries may see it."""

    class Meta:
        proxy = True
        default_permissions = ()
        verbose_name_plural = "follow live"


class RemoteCommand(models.Model):
    """Something that was sent to a host, or asked for and not sent, as the name of no container. Append-only.

    A host's key that somebody accepted is a row as well: ["accept-key", fingerprint, …].
    """

    sent_at = models.DateTimeField()
    user = models.CharField(
        max_length=150,
        blank=True,
        help_text="Who asked: a user, or the system account that ran the command.",
    )
    via = models.CharField(max_length=16, blank=True, help_text="cli, api, admin, follow, selftest.")
    host = models.ForeignKey(DockerHost, on_delete=models.SET_NULL, null=True, related_name="commands")
    host_name = models.CharField(max_length=100)
    host_key_fingerprint = models.CharField(
        max_length=64, blank=True, help_text="Of the key the host showed."
    )
    key_fingerprint = models.CharField(max_length=64, blank=True, help_text="Of the key we logged in with.")
    argv = models.JSONField(default=list)
    denied = models.BooleanField(default=False, help_text="Not sent, or refused by the host.")
    exit_code = models.IntegerField(null=True, blank=True)
    stdout_bytes = models.PositiveBigIntegerField(default=0)
    stderr_bytes = models.PositiveBigIntegerField(default=0)
    duration_ms = models.FloatField(null=True, blank=True)
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["-sent_at", "-id"]
        indexes = [
            models.Index(fields=["-sent_at", "-id"], name="remote_command_newest"),
            models.Index(fields=["host", "-sent_at"], name="remote_command_host"),
        ]

    def __str__(self) -> str:
        return f"{self.host_name}: {' '.join(map(str, self.argv))[:80]}"
