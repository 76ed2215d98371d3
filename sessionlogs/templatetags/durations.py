"""How the timeline prints times and outcomes."""

from datetime import datetime

from django import template
from django.utils import timezone

from logsite.admin import badge
from sessionlogs.admin.sessions import EVENT_BADGES, STATUS_BADGES
from sessionlogs.admin.sessions import duration as duration_text
from sessionlogs.models import EventType, Session, SessionLog, SessionStatus

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


@register.filter
def event_kind(event: SessionLog) -> str:
    """ok, bad or plain."""
    return EVENT_BADGES[EventType(event.event_type)]


@register.filter
def status_badge(session: Session) -> str:
    return badge(session.get_status_display(), STATUS_BADGES[SessionStatus(session.status)])
