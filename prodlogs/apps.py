"""Django's entry point of the app."""

from django.apps import AppConfig


class ProdLogsConfig(AppConfig):
    name = "prodlogs"
    verbose_name = "Container logs"

    def ready(self) -> None:
        from logsite.records import register_source
        from prodlogs import checks  # noqa: F401  registers them
        from prodlogs.sources import ContainerSource

        register_source(ContainerSource())
