"""Django's entry point of the app."""

from django.apps import AppConfig


class SessionLogsConfig(AppConfig):
    name = "sessionlogs"
    verbose_name = "Session logs"

    def ready(self) -> None:
        from logsite.records import register_source
        from logsite.signals import web_started
        from sessionlogs import checks  # noqa: F401  registers them
        from sessionlogs.processes import presence
        from sessionlogs.sources import SessionSource

        register_source(SessionSource())
        web_started.connect(presence.watch, dispatch_uid="presence", weak=False)
