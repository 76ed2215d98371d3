"""Filters of logsite/admin/entry_texts.py."""

from django import template

from logsite.admin import entry_texts

register = template.Library()
for function in (entry_texts.moment, entry_texts.precise, entry_texts.level_badge, entry_texts.visible):
    register.filter(function.__name__, function)


@register.filter
def beginning(message: str, characters: int = 300) -> str:
    """The first line of a message, cut."""
    first = message.split("\n", 1)[0]
    return entry_texts.visible(
        first[:characters] + ("…" if len(message) > characters or first != message else "")
    )
