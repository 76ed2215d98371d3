"""Django's entry point of the app."""

from django.apps import AppConfig


class SessionLogsConfig(AppConfig):
    name = "sessionlogs"
    verbose_name = "Session logs"

    def ready(self) -> None:
        from logsite.metrics_text import register_metrics
        from logsite.records import register_source
        from sessionlogs import checks  # noqa: F401  registers them
        from sessionlogs.metrics import families
        from sessionlogs.sources import SessionSource

        register_source(SessionSource())
        register_metrics(SessionSource.permission, families)
