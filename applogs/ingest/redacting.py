"""Credentials out of the entries of a batch, before they are stored.

A batch is redacted as one text: each entry alone takes five times as long.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from logsite.redaction import redact

SEPARATOR = (
    "\n\x1d\n"  # a line of its own between two texts: what one line holds does not reach into the next
)
MARK = "<redacted:{}>"
# Keys whose values are credentials, whatever these look like: "password", "db_password", "apiKey", "X-Auth-Token".
_SECRET_KEY = re.compile(
    r"(?:.*[-_. ])?(pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_]?key|access[-_]?key|private[-_]?key"
    r"|authorization|cookie|set-cookie|credentials?)|.*(password|secret|token|apikey|accesskey|privatekey)",
    re.IGNORECASE,
)
# "db_password": — a key that may be one of those
_MAY_HOLD_KEY = re.compile(
    r'"[^"]{0,100}(?:pass|pwd|secret|token|key|authorization|cookie|credential)[^"]{0,100}"\s?:',
    re.IGNORECASE,
)


def redacted_texts(texts: list[str]) -> list[str]:
    """Each of `texts` without credentials."""
    whole = SEPARATOR.join(texts)
    clean = redact(whole)
    if clean == whole:
        return texts
    parts = clean.split(SEPARATOR)
    # A secret of several lines that began in one text was taken to go on in the next.
    return parts if len(parts) == len(texts) else [redact(text) for text in texts]


def redacted_objects(texts: list[str | None]) -> list[str | None]:
    """Each of `texts`, JSON objects or None, without credentials; what comes is JSON."""
    rows = [row for row, text in enumerate(texts) if text]
    given = [text for text in texts if text]
    clean = redacted_texts(given)
    has_keys = _MAY_HOLD_KEY.search("\n".join(given))
    if clean is given and not has_keys:
        return texts
    found = list(texts)
    for row, before, after in zip(rows, given, clean, strict=True):
        found[row] = before if after == before else _still_json(before, after)
        if has_keys and _MAY_HOLD_KEY.search(before):
            found[row] = _changed(found[row] or "", lambda text: text)
    return found


def _still_json(before: str, after: str) -> str:
    """`after`, or where a mark has taken away a quote as well, `before` redacted value by value."""
    try:
        json.loads(after)
    except ValueError:
        return _changed(before, redact)
    return after


def _changed(text: str, change: Callable[[str], str]) -> str:
    value = json.loads(text)
    clean = mapped(value, change)
    return text if clean == value else json.dumps(clean, separators=(",", ":"))


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """`value` with each of its texts changed, and those of keys that hold credentials replaced by a mark."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _masked(key) if _is_secret(key, item) else mapped(item, change) for key, item in value.items()
    }


def _is_secret(key: str, item: Any) -> bool:
    if not isinstance(item, str | int) or isinstance(item, bool) or item == "":
        return False
    if isinstance(item, str) and item.startswith("<redacted:"):
        return False
    return (isinstance(item, str) or "token" not in key.lower()) and bool(_SECRET_KEY.fullmatch(key))


def _masked(key: str) -> str:
    match = _SECRET_KEY.fullmatch(key)
    assert match
    kind = re.sub(r"[^a-z]+", "-", (match[1] or match[2]).lower())
    return MARK.format(kind)
