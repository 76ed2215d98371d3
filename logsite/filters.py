"""Filtering of API lists that answers a mistyped parameter instead of passing over it."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

PAGING = {"cursor", "limit", "format"}


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with a 400 that names a parameter nobody knows: a typo must not return everything."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = PAGING | set(filterset.filters if filterset else ())
        unknown = {
            name: [f"unknown parameter; there are: {', '.join(sorted(known))}"]
            for name in request.query_params
            if name not in known
        }
        if unknown and getattr(view, "detail", False) is False:
            raise ValidationError(unknown)
        if filterset is not None and filterset.is_valid():
            _check_times(filterset.form.cleaned_data)
        return super().filter_queryset(request, queryset, view)


def _check_times(values: dict[str, Any]) -> None:
    """A time near year 1 or 9999 with an offset has no place in UTC, where it is compared."""
    for name, value in values.items():
        try:
            if isinstance(value, datetime):
                value.astimezone(UTC)
        except OverflowError:
            raise ValidationError({name: ["out of range"]}) from None
