"""Filters of prodlogs/admin/showing.py."""

from typing import Any

from django import template

from logsite.admin import entry_texts
from logsite.text.durations import duration
from prodlogs.admin import showing

register = template.Library()
for function in (
    entry_texts.moment,
    entry_texts.precise,
    entry_texts.level_badge,
    showing.health_badge,
    showing.snapshot_badge,
    showing.size,
    showing.percent,
    showing.memory,
    showing.traffic,
    duration,
    showing.gap_lines,
    showing.command_short,
    entry_texts.visible,
    showing.state_badge,
):
    register.filter(function.__name__, function)


@register.filter
def beginning(entry: Any) -> str:
    """The beginning of an entry's message, the lines after its first to unfold."""
    return entry_texts.folded(entry_texts.visible(entry.beginning), cut=entry.length > len(entry.beginning))
