"""Django's entry points of the project itself."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class LogSiteAdminConfig(AdminConfig):
    """The stock admin, with our own site as its default."""

    default_site = "logsite.admin.LogSiteAdminSite"


class LogSiteConfig(AppConfig):
    """What the rooms share: commands, system checks, templates' assets."""

    name = "logsite"
    verbose_name = "LogSite"

    def ready(self) -> None:
        from logsite import checks  # noqa: F401  registers the system checks
