"""Django's entry points of the project itself."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register


class LogSiteAdminConfig(SimpleAdminConfig):
    """The stock admin, with our own site as its default.

    The pages are found when the addresses are loaded (urls.py): with DRF, which they use, they cost a command
    that shows none 25 MB and half a second.
    """

    default_site = "logsite.admin.LogSiteAdminSite"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_admin_pages, Tags.admin)


def check_admin_pages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Django's own check of the pages, which has to find them first: checks run in no order."""
    admin.autodiscover()
    found: list[CheckMessage] = check_admin_app(app_configs, **kwargs)
    return found


class LogSiteConfig(AppConfig):
    """What the rooms share: commands, system checks, templates' assets."""

    name = "logsite"
    verbose_name = "LogSite"

    def ready(self) -> None:
        from logsite import checks  # noqa: F401  registers the system checks
