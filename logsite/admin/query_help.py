"""The page that says how to write a query, and which fields the reader may name in each source."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from logsite.records.search import views_of
from logsite.web.readers import reader_of


def query_help(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The language in short, and the fields of the sources; `context` is that of every page of the admin."""
    sources = [(view.source, view.suggestions()) for view in views_of(reader_of(request))]
    found = {**context, "title": "How to write a query", "sources": sources}
    return TemplateResponse(request, "admin/logsite/query_language.html", found)
