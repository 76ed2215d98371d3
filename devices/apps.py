"""Django's entry point of the app."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "devices"
    verbose_name = "Devices"

    def ready(self) -> None:
        from devices import checks  # noqa: F401  registers them
        from devices.collecting.claims import release_late
        from devices.models import Credential, Device, PlatformLogging
        from devices.pages import register as register_pages
        from devices.recovery import release_claims
        from logsite.audit.changes import AuditedModel, audit_links
        from logsite.housekeeping.heartbeats import heart_beat, process_ended

        for model in (Device, Credential, PlatformLogging):
            AuditedModel(model)
        audit_links(Device.tags)
        process_ended.connect(release_claims)
        heart_beat.connect(release_late)
        register_pages()
