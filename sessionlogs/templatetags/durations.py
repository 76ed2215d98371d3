"""How the timeline prints times and outcomes."""

from datetime import datetime

from django import template
from django.utils import timezone

from logsite.admin import badge
from logsite.text.durations import duration
from sessionlogs.admin.sessions import EVENT_BADGES, STATUS_BADGES
from sessionlogs.models import EventType, Session, SessionLog, SessionStatus

register = template.Library()
register.filter("duration", duration)


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
