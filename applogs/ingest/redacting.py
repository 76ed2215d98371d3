"""Credentials out of the entries of a batch, before they are stored.

A batch is redacted as one text: each entry alone takes five times as long.
"""

import json
import re
from collections.abc import Callable
from functools import lru_cache
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
_KEY = re.compile(r'"([^"\\]{1,100})"\s?:')  # "db_password":


def redacted_texts(texts: list[str]) -> list[str]:
    """Each of `texts` without credentials."""
    clean = _redacted_once(list(dict.fromkeys(texts)), SEPARATOR)
    return [clean[text] for text in texts] if clean else texts


def redacted_objects(texts: list[str | None]) -> list[str | None]:
    """Each of `texts`, JSON objects or None, without credentials; what comes is JSON."""
    given = list(dict.fromkeys(text for text in texts if text))
    joined = "\n".join(given)  # JSON has no line feeds of its own here
    clean = _redacted_once(given, "\n")
    secret = {key for key in set(_KEY.findall(joined)) if _is_secret_key(key)}
    if not clean and not secret:
        return texts
    found = dict.fromkeys([None, ""], None) | {text: _object_of(text, clean, secret) for text in given}
    return [found[text] for text in texts]


def _redacted_once(texts: list[str], separator: str) -> dict[str, str]:
    """The clean form of each text; empty where all are clean."""
    whole = separator.join(texts)
    clean = redact(whole)
    if clean == whole:
        return {}
    parts = clean.split(separator)
    if len(parts) != len(
        texts
    ):  # a secret of several lines that began in one text was taken to go on in the next
        parts = [redact(text) for text in texts]
    return dict(zip(texts, parts, strict=True))


def _object_of(text: str, clean: dict[str, str], secret: set[str]) -> str:
    found = clean.get(text, text)
    if found != text:
        found = _still_json(text, found)
    if any(key in text for key in secret):
        found = _changed(found, lambda each: each)
    return found


@lru_cache(4096)
def _is_secret_key(key: str) -> bool:
    return _SECRET_KEY.fullmatch(key) is not None


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
    return (isinstance(item, str) or "token" not in key.lower()) and _is_secret_key(key)


def _masked(key: str) -> str:
    match = _SECRET_KEY.fullmatch(key)
    assert match
    kind = re.sub(r"[^a-z]+", "-", (match[1] or match[2]).lower())
    return MARK.format(kind)
