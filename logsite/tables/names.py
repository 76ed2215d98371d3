"""A column for names: it takes only characters that show themselves."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from logsite.text.terminal import is_printable


def validate_name(name: str) -> None:
    """Two names that look alike are one name, and none holds what would steer a terminal."""
    if not is_printable(name) or name != name.strip():
        raise ValidationError(
            "Use printable characters only: no control or text-direction characters, no zero-width characters, "
            "no spaces at the start or end."
        )


class NameField(models.CharField):
    """A CharField for what people type into commands and read in lists. Rows from before keep the names they have."""

    default_validators = [validate_name]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs  # the column is the same
