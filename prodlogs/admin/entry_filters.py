"""The side-bar filters of entries."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from logsite.admin import FormFilter
from prodlogs.entries.queries import ERRORS, LEVELS_OF_LINES, PLACE, of_containers, of_levels
from prodlogs.models import ContainerLogEntry

GROUPS = {
    "errors": ("Errors: ERROR and CRITICAL", ERRORS),
    "warnings": ("WARNING and worse", ("WARNING", *ERRORS)),
    "none": ("without a level", ("",)),
}


def levels_of(text: str) -> tuple[str, ...]:
    """The levels that a filter's word stands for: a group, or levels with commas between; none for garbage."""
    if text in GROUPS:
        return GROUPS[text][1]
    levels = tuple(text.split(","))
    return levels if set(levels) <= set(LEVELS_OF_LINES) else ()


class LevelFilter(admin.SimpleListFilter):
    """By one level, a group of them, or none at all."""

    title = "level"
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        groups = [(name, label) for name, (label, _) in GROUPS.items()]
        return [*groups[:2], *((level, level) for level in reversed(LEVELS_OF_LINES)), groups[2]]

    def takes(self, value: str) -> bool:
        """Several levels with commas between, too."""
        return bool(levels_of(value))

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ContainerLogEntry]
    ) -> QuerySet[ContainerLogEntry]:
        levels = levels_of(self.value() or "")
        return of_levels(queryset, levels) if levels else queryset


class PlaceFilter(FormFilter):
    """By the names of host and container."""

    title = "host and container"
    parameters = tuple(PLACE)
    labels = {name: name.capitalize() for name in PLACE}

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ContainerLogEntry]
    ) -> QuerySet[ContainerLogEntry]:
        given = {PLACE[name]: self._value(name).strip() for name in self.parameters}
        which = {column: text for column, text in given.items() if text}
        return of_containers(queryset, **which) if which else queryset
