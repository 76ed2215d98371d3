"""Django's entry point of the app."""

from django.apps import AppConfig


class HousekeepingConfig(AppConfig):
    name = "logsite.housekeeping"
    verbose_name = "Housekeeping"

    def ready(self) -> None:
        from logsite.housekeeping.heartbeats import presence
        from logsite.signals import web_started

        web_started.connect(presence.watch, dispatch_uid="presence", weak=False)
