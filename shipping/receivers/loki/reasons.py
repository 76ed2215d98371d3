"""Loki's reasons by kind, to count them: its own texts carry times and streams and never repeat."""

import re
from datetime import datetime

_TOO_OLD = re.compile(
    r"(?:(\d+) errors like: )?(entry for stream '.*?' has timestamp too old: (\S+), "
    r"oldest acceptable timestamp is: \S+?)(?:; |\s*$)"
)
_KINDS = {
    "too far behind": "more than an hour behind the newest entry of its stream",
    "timestamp too old": "older than Loki accepts",
    "timestamp too new": "in the future",
    "max entry size": "line too long",
    "label names; limit": "too many labels",
    "label name too long": "label name too long",
    "label value too long": "label value too long",
    "parse labels": "labels that Loki cannot read",
    "parsing labels": "labels that Loki cannot read",
    "structured metadata too large": "structured metadata too large",
    "too many structured metadata": "too much structured metadata",
    "stream limit": "too many streams",
}


def all_too_old(answer: str, entries: int) -> dict[int, str] | None:
    """Loki's reasons by the second (since the epoch) of the entry, if it refused all `entries` as too old.

    Loki counts such refusals one by one, so their number tells whether it was every entry; a history of
    months would otherwise take two requests for each of its entries. None where it is not that clear.
    """
    found = list(_TOO_OLD.finditer(answer))
    if sum(int(match[1] or 1) for match in found) != entries or _TOO_OLD.sub("", answer).strip():
        return None
    try:
        return {int(datetime.fromisoformat(match[3]).timestamp()): match[2] for match in found}
    except ValueError:
        return None


def kind_of(reason: str) -> str:
    """What kind of refusal `reason` is; a text that is not known stands for itself, shortened."""
    for mark, kind in _KINDS.items():
        if mark in reason:
            return kind
    return reason[:120]
