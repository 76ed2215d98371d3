"""Django's entry point of the app."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    """Destinations, cursors, runs, refused entries, and the shipper."""

    name = "shipping"
    verbose_name = "Shipping"

    def ready(self) -> None:
        from logsite.audit.changes import AuditedModel
        from logsite.records import register_keeper
        from shipping import checks  # noqa: F401  registers the system checks
        from shipping.models import Destination
        from shipping.pages import register as register_pages
        from shipping.progress.kept import cursors_of

        AuditedModel(Destination)
        register_keeper(cursors_of)
        register_pages()
