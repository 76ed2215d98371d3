"""The base of every admin page that shows log rows: read-only, paged by key, counted to 10,000 at most, with
times in the viewer's zone (a cookie that the browser sets).
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from logsite.admin.query_help import query_help
from logsite.admin.read_only import ReadOnly
from logsite.admin.strict import StrictChangeList, StrictModelAdmin
from logsite.api.pagination import beyond, decode_key, encode_key

COUNT_LIMIT = 10_000  # counting 5 million rows takes 200 ms; nobody pages through more than this


class LogSiteAdminSite(admin.AdminSite):
    """The stock admin under our name, whose lists are strict, those of other apps too."""

    site_header = "LogSite"
    site_title = "LogSite"
    index_title = "Flight recorder"
    site_url = None

    def register(
        self, model_or_iterable: Any, admin_class: type[admin.ModelAdmin] | None = None, **options: Any
    ) -> None:
        page = admin_class or admin.ModelAdmin
        if not issubclass(page, StrictModelAdmin):
            page = type(page.__name__, (page, StrictModelAdmin), {})
        super().register(model_or_iterable, page, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        page = self.admin_view(self.query_language)
        return [path("query-language/", page, name="query_language"), *super().get_urls()]

    def query_language(self, request: HttpRequest) -> HttpResponse:
        return query_help(request, self.each_context(request))


class KeysetChangeList(StrictChangeList):
    """A change list that pages by key and counts no further than COUNT_LIMIT."""

    model_admin: "LogModelAdmin"

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        for name in ("older", "newer"):
            found.pop(name, None)
        return found

    def get_results(self, request: HttpRequest) -> None:
        try:
            self._get_page(request)
        except (DataError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def _get_page(self, request: HttpRequest) -> None:
        ordering = list(self.model_admin.keyset)
        newer, older = request.GET.get("newer"), request.GET.get("older")
        rows = self.root_queryset.none() if self.queryset is None else self.queryset
        if key := newer or older:
            rows = rows.filter(beyond(ordering, self._key(ordering, key), reverse=bool(newer)))
        found = list(rows.order_by(*(_reversed(ordering) if newer else ordering))[: self.list_per_page + 1])
        more, page = len(found) > self.list_per_page, found[: self.list_per_page]
        self.result_list = page[::-1] if newer else page
        self._link_neighbours(
            ordering, has_older=more or bool(newer), has_newer=bool(older) or (more and bool(newer))
        )
        self.result_count = self.queryset.order_by()[: COUNT_LIMIT + 1].count()
        self.full_result_count = self.result_count
        self.show_full_result_count = False
        self.show_admin_actions = bool(page)
        self.can_show_all = self.multi_page = False

    def _key(self, ordering: list[str], text: str) -> list[Any]:
        try:
            return decode_key(self.model, ordering, text)
        except ValueError as error:
            raise IncorrectLookupParameters(f"older, newer: {error}") from error

    def _link_neighbours(self, ordering: list[str], *, has_older: bool, has_newer: bool) -> None:
        self.older_url = self.newer_url = None
        if not self.result_list:
            return
        if has_older:
            self.older_url = self._page_url(older=encode_key(self.result_list[-1], ordering))
        if has_newer:
            self.newer_url = self._page_url(newer=encode_key(self.result_list[0], ordering))

    def _page_url(self, **key: str) -> str:
        return self.get_query_string(new_params=key, remove=["older", "newer"])

    @property
    def newest_url(self) -> str:
        return self.get_query_string(remove=["older", "newer"])

    @property
    def count_text(self) -> str:
        """The number of matches, or that there are more than anybody counts."""
        return f"{self.result_count:,}" if self.result_count <= COUNT_LIMIT else f"more than {COUNT_LIMIT:,}"


def _reversed(ordering: Sequence[str]) -> list[str]:
    return [name[1:] if name.startswith("-") else f"-{name}" for name in ordering]


class LogModelAdmin(ReadOnly, StrictModelAdmin):
    """Read-only pages over log rows: newest first, by key, within a time range.

    `keyset` is the order; its last column must be unique.
    """

    keyset: Sequence[str] = ("-timestamp", "-id")
    list_per_page = 100
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    actions = None
    change_list_template = "admin/logsite/change_list.html"
    live_source = ""  # the source whose news the list announces; none where it is empty

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def get_ordering(self, request: HttpRequest) -> list[str]:  # type: ignore[override]
        return list(self.keyset)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "live_source": self.live_source})
