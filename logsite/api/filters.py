"""Filtering of API lists that answers a mistyped parameter instead of passing over it."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

PAGING = {"cursor", "limit", "format"}


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """A 400 that names a parameter nobody knows: a typo must not return everything."""
    unknown = {
        name: [f"unknown parameter; known parameters: {', '.join(sorted(known))}"]
        for name in request.query_params
        if name not in known
    }
    if unknown:
        raise ValidationError(unknown)


def between(column: str) -> tuple[django_filters.Filter, django_filters.Filter]:
    """Both ends of a time range of `column`; the second one is exclusive."""
    since = django_filters.IsoDateTimeFilter(field_name=column, lookup_expr="gte")
    return since, django_filters.IsoDateTimeFilter(field_name=column, lookup_expr="lt")


class TrueOrFalse(django_filters.TypedChoiceFilter):
    """`true` or `false`; django-filter's own takes anything else for «not asked»."""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **options)


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with a 400 that names a parameter nobody knows."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if getattr(view, "detail", False) is False:
            refuse_unknown(request, PAGING | set(filterset.filters if filterset else ()))
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
