"""What lists and pages show of a row: columns, badges, links to other pages."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from logsite.api.pages import page_url

Column = Callable[[Any, Any], Any]


def column(
    description: str, attribute: str, show: Callable[[Any], Any], *, ordering: str | None = None
) -> Column:
    """A column of a ModelAdmin's list or page: what `show` makes of the row's `attribute`."""

    @admin.display(description=description, ordering=ordering)
    def shown(self: Any, row: Any) -> Any:
        return show(getattr(row, attribute))

    return shown


def beginning(description: str, attribute: str, characters: int) -> Column:
    """A column with the first characters of a long text."""
    return column(description, attribute, lambda text: text[:characters])


def choice_badge(
    description: str, attribute: str, kinds: Mapping[Any, str], *, ordering: str | None = None
) -> Column:
    """A column with a choice's label as a badge; `kinds` are those of `badge`, by choice; others are plain."""

    @admin.display(description=description, ordering=ordering)
    def shown(self: Any, row: Any) -> str:
        return badge(getattr(row, f"get_{attribute}_display")(), kinds.get(getattr(row, attribute), "plain"))

    return shown


def badge(text: str, kind: str) -> str:
    """A coloured word; `kind` is one of ok, bad, busy, plain (logsite/assets/logsite/admin.css)."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def link(text: object, page: str, *args: Any, **query: Any) -> SafeString:
    """A link to `page_url`."""
    return format_html('<a href="{}">{}</a>', page_url(page, *args, **query), text)


def shown_time(moment: Any) -> str:
    """`2026-01-31 12:00:00 UTC` in the viewer's zone; empty for None."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}" if moment else ""
