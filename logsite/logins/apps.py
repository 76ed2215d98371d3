"""Django's entry point of the log-ins: one table, of counts."""

from django.apps import AppConfig


class LoginsConfig(AppConfig):
    """Counts log-ins, and marks browsers that have logged in."""

    name = "logsite.logins"
    verbose_name = "Log-ins"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from logsite.logins.browsers import remember_browser

        user_logged_in.connect(remember_browser, dispatch_uid="logsite.logins")
