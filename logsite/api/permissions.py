"""Who may call the API: Django's model permissions, for reading too, and permissions by name.

The REST framework imports this module while it starts: its views are not there yet.
"""

from typing import Any

from rest_framework.permissions import BasePermission, DjangoModelPermissions
from rest_framework.request import Request


class ModelPermissions(DjangoModelPermissions):
    """GET asks for `view`, POST for `add`, PUT and PATCH for `change`, DELETE for `delete` on the model."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
    }


def holding(*permissions: str) -> type[BasePermission]:
    """A permission class for users who hold all of `permissions`."""

    class Holding(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            return bool(request.user and request.user.has_perms(permissions))

    return Holding
