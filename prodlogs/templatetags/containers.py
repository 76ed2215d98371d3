"""Filters of prodlogs/showing.py."""

from django import template

from prodlogs import showing

register = template.Library()
for function in (
    showing.moment, showing.precise, showing.level_badge, showing.health_badge, showing.snapshot_badge, showing.size,
    showing.percent, showing.memory, showing.traffic, showing.duration, showing.gap_lines, showing.command_line,
    showing.visible, showing.state_badge,
):  # fmt: skip
    register.filter(function.__name__, function)
