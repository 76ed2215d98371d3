"""Where entries go, how far they got, and what was refused."""

from django.core.exceptions import ValidationError
from django.db import models

from logsite.encryption.fields import EncryptedTextField
from logsite.records import Cursor
from logsite.tables.names import NameField
from shipping.addresses import AddressError, check_address


def validate_address(value: str) -> None:
    """An http(s) URL without user and password, which belong into no plain column."""
    try:
        check_address(value)
    except AddressError as error:
        raise ValidationError(str(error)) from None


class DestinationKind(models.TextChoices):
    """What a destination speaks."""

    LOKI = "loki", "Loki"


class RunStatus(models.TextChoices):
    """How a run stands; one that was killed is marked as failed by the next."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class Destination(models.Model):
    """A place that entries are shipped to."""

    name = NameField(max_length=255, unique=True)
    kind = models.CharField(max_length=16, choices=DestinationKind, default=DestinationKind.LOKI)
    url = models.CharField(
        max_length=500,
        validators=[validate_address],
        help_text="Such as http://127.0.0.1:3100, without the API's path.",
    )
    tenant = models.CharField(max_length=150, blank=True, help_text="Loki's X-Scope-OrgID; empty for none.")
    token = EncryptedTextField(blank=True, help_text="Sent as «Authorization: Bearer …»; encrypted at rest.")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ShippingCursor(models.Model):
    """How far one source has been shipped to one destination.

    `source` is the feed's key: `session` for the live rows here, `session@URL` for another LogSite's, with
    the window behind it for a backfill. Everything up to and including (xact, row_id) is at the destination
    or recorded as refused.
    """

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="cursors")
    source = models.CharField(max_length=700)
    xact = models.BigIntegerField(default=0)
    row_id = models.BigIntegerField(default=0)
    shipped = models.PositiveBigIntegerField(
        default=0, help_text="Records shipped since the cursor was created."
    )
    rejected = models.PositiveBigIntegerField(default=0, help_text="Records with a refused part.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["destination", "source"], name="shipping_one_cursor"),
        ]
        indexes = [models.Index(fields=["-updated_at", "-id"], name="shipping_cursor_newest")]

    def __str__(self) -> str:
        return f"{self.source} → {self.destination}"

    @property
    def place(self) -> Cursor:
        """Up to where the source has been shipped."""
        return Cursor(self.xact, self.row_id)


class ShippingRun(models.Model):
    """One run of the shipper over one source."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="runs")
    source = models.CharField(max_length=700)
    started = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=16, choices=RunStatus, default=RunStatus.RUNNING)
    shipped = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    split = models.PositiveBigIntegerField(default=0, help_text="Records whose line went out in parts.")
    left = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="Records that waited at the end; counted up to a cap, empty where it is not known.",
    )
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started", "-id"]
        indexes = [
            models.Index(fields=["-started", "-id"], name="shipping_run_newest"),
            models.Index(fields=["destination", "source", "-started"], name="shipping_run_source"),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.destination} {self.started:%Y-%m-%d %H:%M:%S}"


class RejectedEntry(models.Model):
    """An entry the destination refused for good, with its reason."""

    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="rejected_entries")
    run = models.ForeignKey(
        ShippingRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="rejected_entries"
    )
    source = models.CharField(max_length=700)
    row_id = models.BigIntegerField()
    part = models.CharField(max_length=32, blank=True, help_text="Such as 2/3; empty for a whole line.")
    timestamp = models.DateTimeField(help_text="The entry's own time.")
    reason = models.TextField(help_text="The destination's words.")
    labels = models.JSONField(default=dict)
    line = models.TextField(blank=True, help_text="The beginning of the line.")
    rejected_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "rejected entries"
        ordering = ["-timestamp", "-id"]
        constraints = [
            # A batch that is sent again, after a crash, must not double what it records.
            models.UniqueConstraint(
                fields=["destination", "source", "row_id", "part"], name="shipping_rejected_once"
            ),
        ]
        indexes = [models.Index(fields=["-timestamp", "-id"], name="shipping_rejected_newest")]

    def __str__(self) -> str:
        return f"{self.source} {self.row_id} → {self.destination}"
