"""Django's entry point of the app."""

from django.apps import AppConfig


class AppLogsConfig(AppConfig):
    """Logs of applications: how they come in, their entries, and their age."""

    name = "applogs"
    verbose_name = "Application logs"

    def ready(self) -> None:
        from applogs import checks  # noqa: F401  registers them
        from applogs.pages import register as register_pages
        from applogs.sources import AppSource
        from logsite.records import register_source

        register_source(AppSource())
        register_pages()
