"""Django's entry point of the app."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    """Destinations, cursors, runs, refused entries, and the shipper."""

    name = "shipping"
    verbose_name = "Shipping"

    def ready(self) -> None:
        from shipping import checks  # noqa: F401  registers the system checks
