"""How pages print what is stored of containers: times, sizes, levels, states, gaps."""

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from logsite.admin import badge
from logsite.admin.entry_texts import visible
from prodlogs.models import HostStatus, RemoteCommand, SnapshotStatus

HOST_BADGES = {HostStatus.OK: "ok", HostStatus.FAILED: "bad", HostStatus.NEVER: "plain"}
SNAPSHOT_BADGES = {
    SnapshotStatus.RUNNING: "busy",
    SnapshotStatus.COMPLETE: "ok",
    SnapshotStatus.GAP: "bad",
    SnapshotStatus.PARTIAL: "busy",
    SnapshotStatus.FAILED: "bad",
}
HEALTH_BADGES = {
    "healthy": "ok",
    "degraded": "busy",
    "unreachable": "bad",
    "unhealthy": "bad",
    "starting": "busy",
}
STATE_BADGES = {"running": "ok", "restarting": "busy", "paused": "busy", "dead": "bad"}
LONGEST_COMMAND = 400  # characters, in a list
_ID = re.compile("[0-9a-f]{64}")


def state_badge(state: str, exit_code: int | None = None) -> str:
    """Docker's word for a container's state; one that ended with an error says which."""
    if state == "exited" and exit_code:
        return badge(f"exited ({exit_code})", "bad")
    return badge(state, STATE_BADGES.get(state, "plain")) if state else ""


def health_badge(health: str) -> str:
    return badge(health, HEALTH_BADGES.get(health, "plain")) if health and health != "none" else ""


def snapshot_badge(status: str) -> str:
    """One word; the status' label is for filters."""
    return badge(str(SnapshotStatus(status).value), SNAPSHOT_BADGES[SnapshotStatus(status)])


def place(container: str, host: str) -> SafeString:
    return format_html('<span class="container">{}</span> <span class="on-host">{}</span>', container, host)


def size(number: Any) -> str:
    """Bytes for people; empty where Docker said nothing."""
    return filesizeformat(number).replace("\xa0", " ") if isinstance(number, int | float) else ""


def percent(number: Any) -> str:
    return f"{number:.1f} %" if isinstance(number, int | float) else ""


def cpu(stats: Mapping[str, Any]) -> str:
    """`12.5 %`."""
    return percent(stats.get("cpu_percent"))


def memory(stats: Mapping[str, Any]) -> str:
    """`120.4 MB of 2.0 GB`."""
    used, limit = size(stats.get("memory_bytes")), size(stats.get("memory_limit_bytes"))
    return f"{used} of {limit}" if used and limit else used


def traffic(stats: Mapping[str, Any]) -> str:
    """Bytes received and sent."""
    received, sent = size(stats.get("network_in_bytes")), size(stats.get("network_out_bytes"))
    return f"{received} in, {sent} out" if received or sent else ""


def gap_text(gap: Mapping[str, Any]) -> str:
    """`stdout: gap between 14:05:32 and 14:06:10 (rotated away)`, with days and the viewer's zone."""
    where = f"{gap['stream']}: " if gap.get("stream") else ""
    why = f" ({gap['reason']})" if gap.get("reason") else ""
    before = gap.get("before")
    span = (
        f"between {_local(gap.get('after'))} and {_local(before)}"
        if before
        else f"after {_local(gap.get('after'))}"
    )
    return f"{where}gap {span}{why}"


def gap_lines(gaps: list[dict[str, Any]]) -> SafeString:
    return format_html_join("", '<div class="gap">{}</div>', ((gap_text(gap),) for gap in gaps))


def _local(text: Any) -> str:
    try:
        found = parse_datetime(str(text))
    except ValueError:
        found = None
    if not isinstance(found, datetime) or timezone.is_naive(found):
        return str(text)
    return f"{timezone.localtime(found):%Y-%m-%d %H:%M:%S}"


def command_line(argv: list[Any]) -> str:
    """As a shell would take it, on one line."""
    return visible(shlex.join(map(str, argv)).replace("\n", "↵"))


def command_short(command: RemoteCommand) -> str:
    """For lists: without the fixed formats, which are long, and with the beginnings of ids. A denied one is whole."""
    if command.denied:
        return command_line(command.argv)[:LONGEST_COMMAND]
    words = list(map(str, command.argv))
    for place, word in enumerate(words):
        if place and words[place - 1] == "--format":
            words[place] = "…"
        elif _ID.fullmatch(word):
            words[place] = f"{word[:12]}…"
    return visible(" ".join(words))[:LONGEST_COMMAND]
