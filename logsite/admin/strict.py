"""Lists of the admin that take only the filters they have, and answer 400 to a filter that cannot be read.

Django lets an address filter a list by any column and any lookup, and one regular expression keeps the database
busy for minutes. A filter that Django cannot read it answers with the whole list.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.filters import ChoicesFieldListFilter, SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import prepare_lookup_value
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse

from logsite.text.storable import INTEGERS

UNREADABLE = (
    IncorrectLookupParameters,
    SuspiciousOperation,
    ValidationError,
    DataError,
    ValueError,
    TypeError,
    OverflowError,
)
TRUE_OR_FALSE = ("True", "False", "true", "false", "1", "0")
SHOWN_CHARACTERS = 60


class StrictChangeList(ChangeList):
    """A change list that raises IncorrectLookupParameters, with the parameter's name, for what it cannot read."""

    model_admin: "StrictModelAdmin"

    def get_filters(self, request: HttpRequest) -> Any:
        given = self.get_filters_params()
        for name, values in given.items():
            _check_values(name, values)
        specs, some, rest, may_have_duplicates, active = super().get_filters(request)
        for spec in specs:
            _check_choice(spec)
            spec.queryset = _named(spec)  # type: ignore[method-assign,assignment]
        self._take_linked(rest)
        self._put_back(given, specs, rest)
        return specs, some, rest, may_have_duplicates, active

    def get_results(self, request: HttpRequest) -> None:
        """Only the database finds some faults, such as a number that is too large for a column."""
        try:
            super().get_results(request)
        except (DataError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def _take_linked(self, rest: Mapping[str, Any]) -> None:
        """`rest` are the parameters that no filter has taken."""
        for name, value in rest.items():
            if name not in self.model_admin.linked_lookups:
                raise IncorrectLookupParameters(f"{name[:SHOWN_CHARACTERS]}: this list has no such filter")
            self._try(name, value)

    def _try(self, name: str, values: Sequence[Any]) -> None:
        try:
            for value in values:
                self.root_queryset.filter(**{name: value})
        except UNREADABLE as error:
            raise IncorrectLookupParameters(f"{name}: {reason(error)}") from error

    def _put_back(self, given: Mapping[str, Any], specs: Sequence[Any], rest: dict[str, Any]) -> None:
        """A filter with nothing to choose from is left out by Django, with its parameters: all rows would come."""
        used = {name for spec in specs for name in spec.used_parameters}
        for name in given.keys() - rest.keys() - used:
            if name not in {expected for spec in specs for expected in spec.expected_parameters()}:
                rest[name] = prepare_lookup_value(name, given[name])
                self._try(name, rest[name])


def _check_values(name: str, values: Sequence[str]) -> None:
    for value in values:
        if "\0" in value:
            raise IncorrectLookupParameters(f"{name}: a text cannot contain the character NUL")
        if name.endswith("__exact") and value.isdecimal() and int(value[:SHOWN_CHARACTERS]) not in INTEGERS:
            raise IncorrectLookupParameters(
                f"{name}: {value[:SHOWN_CHARACTERS]} is larger than any number here"
            )
        if name.endswith("__isnull") and value not in TRUE_OR_FALSE:
            raise IncorrectLookupParameters(
                f"{name}: expected true or false, got {value[:SHOWN_CHARACTERS]!r}"
            )


def _check_choice(spec: Any) -> None:
    """A value that is none of the choices; filters with choices of their own tend to filter by nothing then."""
    if hasattr(spec, "takes"):  # a filter that takes more than it offers says so itself
        value = spec.value()
        choices = [value] if value is None or spec.takes(value) else []
    elif isinstance(spec, SimpleListFilter):
        value, choices = spec.value(), [choice for choice, _ in spec.lookup_choices]
    elif isinstance(spec, ChoicesFieldListFilter):
        values = spec.lookup_val or [None]
        value, choices = values[-1], [choice for choice, _ in spec.field.flatchoices]
    else:
        return
    if value is not None and str(value) not in map(str, choices):
        name = next(iter(spec.used_parameters), spec.title)
        raise IncorrectLookupParameters(
            f"{name}: {str(value)[:SHOWN_CHARACTERS]!r} is not one of the choices"
        )


def _named(spec: Any) -> Callable[[HttpRequest, QuerySet[Any]], QuerySet[Any] | None]:
    """The filter's `queryset`, whose errors name the filter's parameters."""
    narrowed = spec.queryset

    def queryset(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any] | None:
        try:
            found: QuerySet[Any] | None = narrowed(request, rows)
        except UNREADABLE as error:
            names = ", ".join(map(str, spec.used_parameters))
            raise IncorrectLookupParameters(f"{names}: {reason(error)}") from error
        return found

    return queryset


def reason(error: BaseException) -> str:
    """What an error says about the value; Django wraps the errors of fields into others."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages).rstrip(".")
    if isinstance(error, IncorrectLookupParameters):
        inner = error.args[0] if error.args else error.__cause__
        if isinstance(inner, BaseException):
            return reason(inner)
        return str(inner or "the value cannot be read")
    return str(error) if isinstance(error, SuspiciousOperation) else "the value cannot be read"


class StrictModelAdmin(admin.ModelAdmin):
    """The base of every page of the admin; LogSiteAdminSite puts it below the pages of other apps.

    `linked_lookups` are lookups without a filter in the side bar, which links of other pages use.
    """

    linked_lookups: Sequence[str] = ()

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the page of the row `obj` shows beside its fields, to users who may see the row."""
        return {}

    def page(
        self, request: HttpRequest, template: str, title: str, context: Mapping[str, Any]
    ) -> HttpResponse:
        """A page of its own within the admin."""
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, template, {**common, **context})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        visible = obj is not None and self.has_view_permission(request, obj)
        context = (extra_context or {}) | (self.page_context(request, obj) if visible else {})
        return super().change_view(request, object_id, form_url, context)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return StrictChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """StrictChangeList decides, once it knows which parameters its filters have taken."""
        return True

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except UNREADABLE as error:
            problem = reason(error)
        request.unreadable_filter = problem  # type: ignore[attr-defined]
        request.GET = QueryDict()  # the page's links begin anew
        found = super().get_changelist_instance(request)
        nothing = found.root_queryset.none()
        found.queryset = nothing
        found.get_queryset = lambda *_, **__: nothing  # type: ignore[method-assign]  # for actions
        found.get_results(request)
        messages.error(request, f"No rows are shown: a filter cannot be read. {problem}.")
        return found

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, extra_context)
        if hasattr(request, "unreadable_filter") and answer.status_code == 200:
            answer.status_code = 400
        return answer
