"""Audit entries over the API, read-only."""

from rest_framework import serializers

from logsite.audit.models import AuditEntry


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "timestamp",
            "event_type",
            "severity",
            "user",
            "user_id",
            "address",
            "via",
            "what",
            "target",
            "details",
            "count",
        )
        read_only_fields = fields
