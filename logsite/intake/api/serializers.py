"""Ingest tokens and rejected input over the API, read-only."""

from rest_framework import serializers

from logsite.intake.models import IngestToken, RejectedInput


class IngestTokenSerializer(serializers.ModelSerializer[IngestToken]):
    """A token without its text, which nobody has any more; `beginning` tells it from others."""

    class Meta:
        model = IngestToken
        fields = (
            "id",
            "name",
            "beginning",
            "app",
            "host",
            "entries_per_second",
            "bytes_per_second",
            "created_at",
            "created_by",
            "revoked_at",
            "last_used_at",
            "rejected",
        )
        read_only_fields = fields


class RejectedInputSerializer(serializers.ModelSerializer[RejectedInput]):
    """What was refused; `token` is the token's name. `excerpt` has no credentials."""

    token = serializers.CharField(source="token_name", read_only=True)

    class Meta:
        model = RejectedInput
        fields = (
            "id",
            "rejected_at",
            "token",
            "protocol",
            "address",
            "index",
            "field",
            "reason",
            "size",
            "excerpt",
        )
        read_only_fields = fields
