"""Django's entry point of the app."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "logsite.intake"
    verbose_name = "Intake"

    def ready(self) -> None:
        from logsite.audit import EventType
        from logsite.audit.changes import AuditedModel
        from logsite.intake import checks  # noqa: F401  registers them
        from logsite.intake.models import IngestToken

        AuditedModel(
            IngestToken, created=EventType.AUTHN_TOKEN_CREATED, deleted=EventType.AUTHN_TOKEN_REVOKED
        )
