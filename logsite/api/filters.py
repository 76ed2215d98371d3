"""Filtering of API lists that answers a mistyped parameter instead of passing over it."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

PAGING = {"cursor", "limit", "format"}
OLD_TIMES = {"since": "start_time", "until": "end_time"}


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


def old_names(
    start: django_filters.Filter, end: django_filters.Filter
) -> tuple[django_filters.Filter, django_filters.Filter]:
    """`since` and `until` for a list that took the ends of its time range, `start` and `end`, by these names."""
    pairs = zip((start, end), OLD_TIMES.values(), strict=True)
    since, until = (
        _OldTime(field_name=each.field_name, lookup_expr=each.lookup_expr, label=f"The old name of `{name}`.")
        for each, name in pairs
    )
    return since, until


def with_new_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` of parameters, the times by their new names. A 400 where both names are given and differ."""
    found = {name: value for name, value in values.items() if name not in OLD_TIMES}
    for old, new in OLD_TIMES.items():
        if (value := values.get(old)) is None:
            continue
        if found.get(new) not in (None, value):
            raise ValidationError({new: [f"{new} and {old}, its old name, differ; give one of them"]})
        found[new] = value
    return found


class Deprecated:
    """A filter that the schema calls deprecated."""


class _OldTime(Deprecated, django_filters.IsoDateTimeFilter):
    """An end of a time range by its old name."""


class OldText(Deprecated, django_filters.CharFilter):
    """A search for a text from before `query`, with the meaning it had."""


class QueryFilter(django_filters.CharFilter):
    """`query` of a list of entries, for the schema: `EntryViewSet` narrows the rows by it before the filters do."""

    field_class = forms.Field  # takes the text as it is: positions count from its first character

    def __init__(self) -> None:
        super().__init__(label="A query as in Kibana or Grafana, such as `timeout level:>=WARNING`.")

    def filter(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        return rows


class TrueOrFalse(django_filters.TypedChoiceFilter):
    """`true` or `false`; django-filter's own takes anything else for «not asked»."""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda text: text == "true", **options)


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with a 400 that names a parameter nobody knows."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if not getattr(view, "detail", None):  # None: a view set that no router knows
            refuse_unknown(request, PAGING | set(filterset.filters if filterset else ()))
        if filterset is not None and filterset.is_valid():
            _check_times(filterset.form.cleaned_data)
            with_new_names(filterset.form.cleaned_data)
        return super().filter_queryset(request, queryset, view)


class _FilterSchema(DjangoFilterExtension):
    """The parameters of the filters as django-filter's backend has them, and which of them are deprecated."""

    target_class = "logsite.api.filters.StrictFilterBackend"
    match_subclasses = False
    priority = 1

    def resolve_filter_field(self, *args: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = super().resolve_filter_field(*args)
        if isinstance(args[-1], Deprecated):
            found = [parameter | {"deprecated": True} for parameter in found]
        return found


def _check_times(values: dict[str, Any]) -> None:
    """A time near year 1 or 9999 with an offset has no place in UTC, where it is compared."""
    for name, value in values.items():
        try:
            if isinstance(value, datetime):
                value.astimezone(UTC)
        except OverflowError:
            raise ValidationError({name: ["out of range"]}) from None
