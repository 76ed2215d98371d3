"""Credentials out of the columns of a batch: its texts are searched as one: a call for each costs ten times that."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from applogs.ingest.fields import OBJECTS, TEXT_LIMITS
from applogs.ingest.values import read_json, write_json
from logsite.redaction import redact

# Ends each pattern of several lines, and each block of lines with a secret (`end` for FortiOS, `/` for RouterOS).
BETWEEN = "\n\x1e\nend\n/\x1e\n"
TEXTS = ("message", *TEXT_LIMITS)
# Ways to log in, as values: each is a credential's keyword, which would have its line searched by many patterns.
_METHODS = tuple(
    f':"{word}"' for word in ("password", "token", "secret", "passwd", "cookie", "authorization")
)
# Ends of the names whose values are secrets, without blanks and signs, and the mark's kind.
_KINDS = {
    **dict.fromkeys(("password", "passwd", "passwort", "passcode", "pwd", "passwords"), "password"),
    **dict.fromkeys(("passphrase",), "passphrase"),
    **dict.fromkeys(("token",), "token"),
    **dict.fromkeys(("authorization",), "authorization"),
    **dict.fromkeys(("cookie", "cookies"), "cookie"),
    **dict.fromkeys(("psk", "presharedkey"), "psk"),
    **dict.fromkeys(("privatekey",), "private-key"),
    **dict.fromkeys(("secret", "secrets", "secretkey", "credentials", "credential"), "secret"),
    **dict.fromkeys(("apikey", "accesskey", "authkey", "signingkey", "encryptionkey"), "key"),
}
_ENDS = tuple(_KINDS)
# How a JSON text has them: `key":` stands for all keys, and is looked at more closely later.
_SIGNS = tuple({f'{"key" if end.endswith("key") else end}":' for end in _KINDS})
LONGEST_REMEMBERED = 100  # characters
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_MARKED = re.compile(r"(?:\w{1,20} )?<redacted:[a-z0-9-]{1,60}>")


def redact_columns(columns: dict[str, list[Any]]) -> None:
    """Replace, in place, the credentials in the texts and objects of `columns`; JSON texts stay JSON."""
    texts = list(dict.fromkeys(chain.from_iterable(columns[name] for name in TEXTS)))
    objects = list(dict.fromkeys(chain.from_iterable(columns[name] for name in OBJECTS)))
    objects = [text for text in objects if text is not None]
    _replace(columns, TEXTS, _changed(texts, texts))
    _replace(columns, OBJECTS, _changed_objects(objects))


def _replace(columns: dict[str, list[Any]], names: Sequence[str], changed: dict[str, str]) -> None:
    """Replace the values that had secrets. A mark may be longer than its secret: it is cut at the column's limit."""
    if changed:
        for name in names:
            limit = TEXT_LIMITS.get(name)
            columns[name] = [changed[value][:limit] if value in changed else value for value in columns[name]]


def _changed(texts: list[str], searched: list[str]) -> dict[str, str]:
    """Of each of `texts` in which there is a secret what is left; `searched` is what is searched in its place.

    Where a secret would go on into the next text, each half of them is searched by itself.
    """
    joined = BETWEEN.join(searched)
    found = redact(joined)
    if found == joined:
        return {}
    parts = found.split(BETWEEN)
    if joined.count(BETWEEN) == len(texts) - 1 == len(parts) - 1:
        return {
            text: part if text == before else redact(text)
            for text, before, part in zip(texts, searched, parts, strict=True)
            if part != before
        }
    if len(texts) == 1:
        return {texts[0]: redact(texts[0])}
    half = len(texts) // 2
    return _changed(texts[:half], searched[:half]) | _changed(texts[half:], searched[half:])


def _changed_objects(objects: list[str]) -> dict[str, str]:
    """The same for JSON texts. What pairs of a name and a value have is masked by the name, too."""
    joined = BETWEEN.join(objects)
    searched = objects
    if any(method in joined for method in _METHODS):
        searched = _without_methods(joined).split(BETWEEN)  # which no JSON text has in it
    changed = {text: _still_json(text, new) for text, new in _changed(objects, searched).items()}
    lowered = joined.lower()
    if signs := [sign for sign in _SIGNS if sign in lowered]:
        for text in objects:
            if any(sign in text.lower() for sign in signs):
                changed[text] = write_json(masked(read_json(changed.get(text, text))))
    return changed


def _without_methods(text: str) -> str:
    for method in _METHODS:
        text = text.replace(method, ':""')
    return text


def _still_json(before: str, after: str) -> str:
    """`after`, unless a mark in it broke the JSON or swallowed a value: then each text is redacted by itself."""
    value = read_json(before)
    try:
        whole = _alike(value, read_json(after))
    except ValueError:
        whole = False
    return after if whole else write_json(_each_redacted(value))


def _alike(one: Any, other: Any) -> bool:
    """Whether they differ in nothing but texts and names."""
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(map(_alike, one.values(), other.values()))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return one == other or (isinstance(one, str) and isinstance(other, str))


def _each_redacted(value: Any) -> Any:
    if isinstance(value, dict):
        clean: dict[str, Any] = {}
        for name, item in value.items():
            name = redact(name)
            while name in clean:  # two names may differ in their secrets alone
                name += "_"
            clean[name] = _each_redacted(item)
        return clean
    if isinstance(value, list):
        return [_each_redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value


def masked(value: Any) -> Any:
    """`value` with marks for all that is under the name of a secret."""
    if isinstance(value, dict):
        return {
            name: _hidden(item, kind) if (kind := _kind_of(name)) else masked(item)
            for name, item in value.items()
        }
    return [masked(item) for item in value] if isinstance(value, list) else value


def _hidden(value: Any, kind: str) -> Any:
    """A mark for each text and number in `value`; what is empty, true, false or null says no secret."""
    if isinstance(value, dict):
        return {name: _hidden(item, kind) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, kind) for item in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return value if isinstance(value, str) and _MARKED.fullmatch(value) else f"<redacted:{kind}>"


def _kind_of(name: str) -> str:
    """The kind of secret that is under this name, such as `accessToken` or `X-Api-Key`; empty for others.

    A name may be as long as a body: only those of an ordinary length are remembered.
    """
    return _remembered(name) if len(name) <= LONGEST_REMEMBERED else _remembered.__wrapped__(name)


@lru_cache(maxsize=4096)
def _remembered(name: str) -> str:
    letters = _SEPARATORS.sub("", name.lower())
    return next((_KINDS[end] for end in _ENDS if letters.endswith(end)), "")
