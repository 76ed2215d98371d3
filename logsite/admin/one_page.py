"""Single pages of the admin in place of a list."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from logsite.admin.read_only import ReadOnly
from logsite.admin.strict import StrictModelAdmin


class OnePage(ReadOnly, StrictModelAdmin):
    """A page instead of a list, for users who have all of `permissions`."""

    permissions: Sequence[str]

    def show(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        raise NotImplementedError

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perms(self.permissions))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.changelist_view)
        return [path("", page, name=f"{self.opts.app_label}_{self.opts.model_name}_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.show(request)
