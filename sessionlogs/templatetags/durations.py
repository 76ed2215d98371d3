"""How the timeline prints times."""

from datetime import datetime

from django import template
from django.utils import timezone

from sessionlogs.admin import duration as duration_text

register = template.Library()


@register.filter
def duration(milliseconds: float | None) -> str:
    return "" if milliseconds is None else duration_text(milliseconds)


@register.filter
def milliseconds(moment: datetime) -> str:
    """`21:34:53.170` in the viewer's zone."""
    local = timezone.localtime(moment)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


@register.filter
def line_count(text: str) -> int:
    return len(text.splitlines())
