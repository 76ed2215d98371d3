"""Django's entry point of the app."""

from django.apps import AppConfig


class ProdLogsConfig(AppConfig):
    name = "prodlogs"
    verbose_name = "Container logs"

    def ready(self) -> None:
        from logsite.api.metrics_text import register_metrics
        from logsite.housekeeping.purge_runs import register_purge
        from logsite.records import register_source
        from prodlogs import checks  # noqa: F401  registers them
        from prodlogs.metrics import families
        from prodlogs.retention import ContainerPurge, FollowPurge
        from prodlogs.sources import ContainerSource

        register_source(ContainerSource())
        register_metrics(ContainerSource.permission, families)
        register_purge(ContainerPurge)
        register_purge(FollowPurge)
