"""The side-bar filters of the admin's lists: fields to type in, a time range, named choices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from logsite.text.moments import parse_iso


class FormFilter(admin.ListFilter):
    """A side-bar filter with input fields of its own; the other filters travel along as hidden fields."""

    template = "admin/logsite/form_filter.html"
    parameters: Sequence[str] = ()
    input_type = "search"
    labels: Mapping[str, str] = {}  # by field; a field without a label shows the filter's title

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.parameters:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.hidden = [
            (name, value)
            for name, values in request.GET.lists()
            if name not in (*self.parameters, "older", "newer", "p", "e")
            for value in values
        ]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def choices(self, changelist: ChangeList) -> Any:
        return [
            {"clear_url": changelist.get_query_string(remove=list(self.parameters)), "fields": self.fields()}
        ]

    def _value(self, name: str) -> str:
        return str(self.used_parameters.get(name, ""))

    def fields(self) -> list[dict[str, str]]:
        return [
            {
                "name": name,
                "type": self.input_type,
                "label": self.labels.get(name, str(self.title)),
                "value": self._value(name),
            }
            for name in self.parameters
        ]


def text_filter(column: str, title: str, lookup: str = "iexact") -> type[FormFilter]:
    """A filter class with one text field that looks `column` up."""

    class TextFilter(FormFilter):
        parameters = (column,)

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            text = self._value(column).strip()
            return queryset.filter(**{f"{column}__{lookup}": text}) if text else queryset

    TextFilter.title = title
    return TextFilter


def time_range_filter(column: str) -> type[FormFilter]:
    """A filter class with «from» and «to» over `column`, in the viewer's zone."""

    class TimeRangeFilter(FormFilter):
        parameters = ("since", "until")
        input_type = "datetime-local"
        labels = {"since": "From", "until": "To"}

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            for name, lookup in (("since", "gte"), ("until", "lt")):
                if text := self._value(name):
                    queryset = queryset.filter(**{f"{column}__{lookup}": _moment(text)})
            return queryset

    TimeRangeFilter.title = "time"
    return TimeRangeFilter


def _moment(text: str) -> datetime:
    try:
        return parse_iso(text).astimezone(UTC)
    except ValueError:
        raise ValidationError(f"expected a time such as 2026-01-31T12:00, got {text[:60]!r}") from None
    except OverflowError:  # near year 1 or 9999
        raise ValidationError(f"{text[:60]!r} is out of range") from None


def choice_filter(
    parameter: str, title: str, choices: Mapping[str, tuple[str, Q]]
) -> type[admin.SimpleListFilter]:
    """A filter class with `choices`: the value in the address, its label, and the rows that it keeps."""

    class ChoiceFilter(admin.SimpleListFilter):
        parameter_name = parameter

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, label) for value, (label, _) in choices.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            _, rows = choices.get(self.value() or "", ("", Q()))
            return queryset.filter(rows)

    ChoiceFilter.title = title
    return ChoiceFilter
