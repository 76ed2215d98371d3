"""Django's entry point of the app."""

from django.apps import AppConfig


class ProdLogsConfig(AppConfig):
    name = "prodlogs"
    verbose_name = "Container logs"

    def ready(self) -> None:
        from logsite.purging import register_purge
        from logsite.records import register_source
        from prodlogs import checks  # noqa: F401  registers them
        from prodlogs.retention import ContainerPurge
        from prodlogs.sources import ContainerSource

        register_source(ContainerSource())
        register_purge(ContainerPurge())
