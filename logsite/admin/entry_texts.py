"""How pages print what a log entry has: its time, its level, its message."""

import re

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from logsite.admin.columns import badge
from logsite.records import from_nanoseconds

LEVEL_BADGES = {
    "WARNING": "busy",
    "SECURITY": "busy",
    "ERROR": "bad",
    "CRITICAL": "bad",
    "INFO": "ok",
    "AUDIT": "ok",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def moment(nanoseconds: int | None) -> str:
    """`2026-11-20 14:05:32.847` in the viewer's zone."""
    if nanoseconds is None:
        return ""
    local = timezone.localtime(from_nanoseconds(nanoseconds))
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}"


def precise(nanoseconds: int) -> str:
    """All nine digits, and the zone."""
    local = timezone.localtime(from_nanoseconds(nanoseconds))
    return f"{local:%Y-%m-%d %H:%M:%S}.{nanoseconds % 10**9:09d} {local:%Z}"


def level_badge(level: str) -> str:
    return badge(level, LEVEL_BADGES.get(level, "plain")) if level else ""


def visible(text: str) -> str:
    """Control characters as `cat -v` shows them: `^[[31m` for the sequence that makes red."""
    return _CONTROL.sub(lambda found: f"^{chr(ord(found[0]) ^ 0x40)}", text)


def folded(text: str, cut: bool) -> SafeString:
    """A message in a list: one line, and the rest of a trace to unfold."""
    first, *rest = text.split("\n")
    more = "\n…" if cut else ""
    if not rest:
        return format_html('<code class="line">{}{}</code>', first, "…" if cut else "")
    number = f"{len(rest)}{' and more' if cut else ''} line{'s' if len(rest) > 1 or cut else ''}"
    return format_html(
        '<details class="trace"><summary><code class="line">{}</code> <span class="rest">+ {}</span></summary>'
        "<pre>{}{}</pre></details>",
        first,
        number,
        "\n".join(rest),
        more,
    )
