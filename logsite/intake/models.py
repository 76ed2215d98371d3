"""Who may send entries, what was rejected of what they sent, and which requests were answered already."""

from django.db import models

from logsite.tables.names import NameField


class IngestToken(models.Model):
    """Lets a sender put entries into the site, for one app or host, and nothing else. Only its hash is stored."""

    name = NameField(max_length=100, unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    beginning = models.CharField(
        max_length=12, editable=False, help_text="How the token begins, to tell it by; it lets nobody in."
    )
    app = NameField(
        max_length=100, blank=True, help_text="Of its entries; one that names another app is rejected."
    )
    host = NameField(
        max_length=255, blank=True, help_text="Of its entries; one that names another host is rejected."
    )
    entries_per_second = models.PositiveIntegerField(default=0, help_text="0: as many as can be stored.")
    bytes_per_second = models.PositiveBigIntegerField(
        default=0, help_text="Of unpacked bodies; 0: as many as can be stored."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    rejected = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Entries and bodies refused."
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(app="", host=""),
                name="ingest_token_for_app_or_host",
                violation_error_message="Give an app, a host, or both.",
            )
        ]

    def __str__(self) -> str:
        return self.name


class RejectedInput(models.Model):
    """An entry or a whole body that was refused for good; the last thousand are kept."""

    rejected_at = models.DateTimeField()
    token = models.ForeignKey(
        IngestToken, on_delete=models.SET_NULL, null=True, blank=True, related_name="rejected_input"
    )
    token_name = models.CharField(max_length=100, blank=True, help_text="As the token was called then.")
    protocol = models.CharField(max_length=16, help_text="Such as http, otlp or syslog.")
    address = models.GenericIPAddressField(null=True, blank=True)
    index = models.PositiveIntegerField(
        null=True, blank=True, help_text="The entry's number in its request, from 0."
    )
    field = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField(default=0, help_text="In bytes.")
    excerpt = models.TextField(blank=True, help_text="Its beginning, without credentials.")

    class Meta:
        verbose_name_plural = "rejected input"
        default_permissions = ("view",)
        ordering = ["-rejected_at", "-id"]
        indexes = [models.Index(fields=["-rejected_at", "-id"], name="rejected_input_newest")]

    def __str__(self) -> str:
        return f"{self.token_name}: {self.reason}"[:200]


class IdempotencyKey(models.Model):
    """A request that was answered, by the key its sender gave it: a repetition gets the same answer for 24 hours."""

    owner = models.CharField(max_length=64, help_text="`token:7` or `user:3`.")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the unpacked body.")
    created_at = models.DateTimeField()
    answer = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"
