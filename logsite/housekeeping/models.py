"""Living processes, counters over all processes, and runs of `purge_logs`."""

import uuid

from django.db import models


class Process(models.Model):
    """A process that records or collects, as long as it lives; processes.py says how that is known."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    machine = models.CharField(max_length=128, blank=True, help_text="Boot and process namespace.")
    host = models.CharField(max_length=255, blank=True)
    pid = models.PositiveBigIntegerField(default=0)
    started = models.PositiveBigIntegerField(default=0, help_text="Kernel ticks from boot to its start.")
    beats = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "recording_processes"
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Counter(models.Model):
    """How often something could not be kept as it was, over all processes; `counters.NAMES` has the names."""

    name = models.CharField(max_length=32, primary_key=True)
    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "sessionlogs_recordingcounter"  # as the table was named where it began
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class PurgeStatus(models.TextChoices):
    """How a purge stands; one that was killed is marked as interrupted by the next."""

    RUNNING = "running"
    SUCCESS = "success"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


class PurgeRun(models.Model):
    """One run of `purge_logs`: who removed what, by which rules."""

    started = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    user = models.CharField(max_length=150, blank=True, help_text="The account that ran the command.")
    status = models.CharField(max_length=16, choices=PurgeStatus, default=PurgeStatus.RUNNING)
    rules = models.JSONField(default=list, help_text="In the order in which they apply.")
    counts = models.JSONField(default=dict, help_text="What was removed, by rule.")
    even_unshipped = models.BooleanField(default=False, help_text="Also what no destination has yet.")
    error = models.CharField(max_length=255, blank=True)

    class Meta:
        db_table = "sessionlogs_purgerun"
        ordering = ["-started", "-id"]
        indexes = [models.Index(fields=["-started", "-id"], name="purge_run_newest")]

    def __str__(self) -> str:
        return f"{self.started:%Y-%m-%d %H:%M:%S} {self.status}"
