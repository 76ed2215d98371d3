"""What several lists filter by."""

from typing import Any

import django_filters


class TrueOrFalse(django_filters.TypedChoiceFilter):
    """`true` or `false`; django-filter's own takes anything else for «not asked»."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **kwargs)
