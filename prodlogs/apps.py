"""Django's entry point of the app."""

from django.apps import AppConfig


class ProdLogsConfig(AppConfig):
    name = "prodlogs"
    verbose_name = "Container logs"

    def ready(self) -> None:
        from logsite.audit.changes import AuditedModel
        from logsite.records import register_source
        from prodlogs import checks  # noqa: F401  registers them
        from prodlogs.models import DockerHost
        from prodlogs.pages import register as register_pages
        from prodlogs.sources import ContainerSource

        AuditedModel(DockerHost)
        register_source(ContainerSource())
        register_pages()
