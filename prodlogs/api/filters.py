"""What lists of the API can be narrowed by."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework.response import Response

from logsite.api.filters import OldText, QueryFilter, TrueOrFalse, between, old_names
from logsite.api.pagination import KeysetPagination
from logsite.records import to_nanoseconds
from logsite.tables.nanoseconds import rfc3339
from prodlogs.entries.queries import (
    LEVELS_OF_LINES,
    LONGEST_TEXT,
    PLACE,
    containing,
    of_containers,
    of_levels,
)
from prodlogs.models import (
    ContainerLogEntry,
    ErrorKind,
    HostStatus,
    SnapshotKind,
    SnapshotStatus,
    Stream,
)

LEVEL_CHOICES = [(level, level) for level in LEVELS_OF_LINES]
WHICH = PLACE | {"container_id": "container_id"}


class SearchPagination(KeysetPagination):
    """Pages that say in `searched_since` how far back a text was looked for; null: everywhere."""

    def get_paginated_response(self, data: Any) -> Response:
        answer = super().get_paginated_response(data)
        since = getattr(self.request, "searched_since", None)
        answer.data = {**answer.data, "searched_since": since and rfc3339(to_nanoseconds(since))}
        return answer

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        found = super().get_paginated_response_schema(schema)
        found["properties"]["searched_since"] = {"type": "string", "nullable": True, "format": "date-time"}
        return found


class HostFilter(django_filters.FilterSet):
    """By name and state; `start_time` and `end_time` are of when it was last connected to."""

    name = django_filters.CharFilter()
    status = django_filters.ChoiceFilter(choices=HostStatus)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    enabled = TrueOrFalse()
    start_time, end_time = between("checked_at")
    since, until = old_names(start_time, end_time)


class ContainerFilter(django_filters.FilterSet):
    """By host, name and state; `start_time` and `end_time` are of when Docker last listed it."""

    host = django_filters.CharFilter(field_name="host__name")
    name = django_filters.CharFilter()
    container_id = django_filters.CharFilter()
    state = django_filters.CharFilter()
    removed = TrueOrFalse(
        field_name="removed_at", method="_removed", label="Whether Docker no longer lists the container."
    )
    start_time, end_time = between("seen_at")
    since, until = old_names(start_time, end_time)

    def _removed(self, rows: QuerySet[Any], name: str, removed: bool | str) -> QuerySet[Any]:
        return rows if removed == "" else rows.filter(removed_at__isnull=not removed)


class ErrorFilter(django_filters.FilterSet):
    """What is quick narrows first, and the text is looked for in what is left."""

    query = QueryFilter()
    start_time, end_time = between("timestamp")
    since, until = old_names(start_time, end_time)
    stream = django_filters.ChoiceFilter(choices=Stream)
    container = django_filters.CharFilter(
        label="The container's name; with `host`, on that host.", method="_passed_over"
    )
    container_id = django_filters.CharFilter(
        label="The container's id, as Docker gave it.", method="_passed_over"
    )
    host = django_filters.CharFilter(label="The name of the container's host.", method="_passed_over")
    text = OldText(
        max_length=LONGEST_TEXT,
        method="_passed_over",
        label="Use `query`. A part of the message; searched in the newest 200,000 entries that match the other "
        "filters. `searched_since` is the oldest time searched; give it as `end_time` to search further back.",
    )

    def filter_queryset(self, queryset: QuerySet[ContainerLogEntry]) -> QuerySet[ContainerLogEntry]:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        if which := {column: asked[name] for name, column in WHICH.items() if asked.get(name)}:
            rows = of_containers(rows, **which)
        searched = containing(rows, asked["text"])
        if self.request is not None:
            self.request.searched_since = searched.since  # for SearchPagination
        return searched.rows

    def _passed_over(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows


class EntryFilter(ErrorFilter):
    """The same of entries of any level, or of one of those given."""

    level = django_filters.MultipleChoiceFilter(choices=LEVEL_CHOICES, method="_level")

    def _level(self, rows: QuerySet[Any], name: str, levels: list[str]) -> QuerySet[Any]:
        return of_levels(rows, levels) if levels else rows


class SnapshotFilter(django_filters.FilterSet):
    """By whose log was read and how that ended; `start_time` and `end_time` are of its beginning."""

    host = django_filters.CharFilter(field_name="host_name")
    container = django_filters.CharFilter(field_name="container_name")
    status = django_filters.ChoiceFilter(choices=SnapshotStatus)
    kind = django_filters.ChoiceFilter(choices=SnapshotKind)
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    start_time, end_time = between("started_at")
    since, until = old_names(start_time, end_time)


class CommandFilter(django_filters.FilterSet):
    """By who sent it, which way and where to, and whether it was refused; the times are of its sending."""

    host = django_filters.CharFilter(field_name="host_name")
    user = django_filters.CharFilter()
    via = django_filters.CharFilter()
    denied = TrueOrFalse()
    error_kind = django_filters.ChoiceFilter(choices=ErrorKind)
    start_time, end_time = between("sent_at")
    since, until = old_names(start_time, end_time)
