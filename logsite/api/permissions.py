"""Who may call the API: Django's model permissions, for reading too."""

from rest_framework.permissions import DjangoModelPermissions


class ModelPermissions(DjangoModelPermissions):
    """GET asks for `view`, POST for `add`, PUT and PATCH for `change`, DELETE for `delete` on the model."""

    perms_map = {
        **DjangoModelPermissions.perms_map,
        "GET": ["%(app_label)s.view_%(model_name)s"],
        "HEAD": ["%(app_label)s.view_%(model_name)s"],
    }
