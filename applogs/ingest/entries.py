"""From the bytes of a body to the columns of entries; what cannot be an entry is rejected with its reason."""

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.conf import settings

from applogs.ingest.bodies import MAX_DEPTH, check_type, depth_of, values_of
from applogs.ingest.redacting import redacted_objects, redacted_texts
from applogs.ingest.shapes import MAX_LENGTHS, OBJECTS, Sent, cleaned, dumped, sent_of
from applogs.ingest.times import nanoseconds_of
from applogs.models import Category
from logsite.intake.rejected import Rejection
from logsite.lines import level_named, level_of_severity
from logsite.records import LEVELS
from logsite.text.cutting import cut_place

MAX_OBJECT_BYTES = 1024**2  # of one of an entry's objects
SHORT_JSON = 2 * MAX_DEPTH  # characters; a shorter text cannot be nested deeper than MAX_DEPTH
EMPTY = Sent()
KINDS = {list: "an array", str: "a text", type(None): "null", bool: "true or false"}
REDACTED = ("message", "file", "logger", "module", "function", "entry_id")
_array, _object = msgspec.json.Decoder(list[Sent]), msgspec.json.Decoder(Sent)
_CATEGORIES = {value: value for value in Category.values}
Columns = dict[str, list[Any]]


@dataclass
class Incoming:
    """The entries of a body: the columns of `LogEntry` that a sender gives, each as long as `indexes`, which are the
    entries' numbers in the body. Objects are JSON texts, None for an empty one."""

    columns: Columns = field(default_factory=dict)
    indexes: list[int] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)


def read_entries(
    body: bytes, content_type: str, *, received_at: int, app: str = "", host: str = ""
) -> Incoming:
    """The entries of `body`. Raises BodyRefused: 415 for another media type, 400 for a body that cannot be read.

    `received_at`, in nanoseconds, is the time of entries without one. `app` and `host` fill empty fields; an entry
    that names others is rejected.
    """
    incoming = Incoming()
    sent = _sent(body, content_type, incoming)
    sent = _of_owner(sent, incoming, {"app": app, "host": host})
    incoming.columns = _columns(sent, received_at)
    _reject_large(incoming)
    _redact(incoming.columns)
    return incoming


# --- reading ------------------------------------------------------------------------------------------------------


def _sent(body: bytes, content_type: str, incoming: Incoming) -> list[Sent]:
    check_type(content_type)
    found = _quickly(body, incoming)
    if found is not None:
        return found
    found = []
    for index, value in values_of(body, content_type):
        if (entry := _entry(value, index, incoming)) is not None:
            found.append(entry)
            incoming.indexes.append(index)
    return found


def _quickly(body: bytes, incoming: Incoming) -> list[Sent] | None:
    """The entries of a body in the document's form, which most are; None where one needs a closer look."""
    if b"\\u0000" in body or not body.startswith((b"[", b"{")):
        return None
    try:
        if body.startswith(b"["):
            found = _array.decode(body)
        elif b"\n" not in body.rstrip():
            found = [_object.decode(body)]
        else:
            found = [_object.decode(line) for line in body.rstrip().split(b"\n")]
    except (msgspec.MsgspecError, RecursionError):
        return None
    if EMPTY in found:
        return None
    incoming.indexes = list(range(len(found)))
    return found


def _entry(value: Any, index: int, incoming: Incoming) -> Sent | None:
    """The entry of any value; None for one that is rejected."""
    if not isinstance(value, dict):
        reason = f"expected an object, got {KINDS.get(type(value), 'a number')}"
    elif not value:
        reason = "the entry is empty: give it a message"
    elif depth_of(value) > MAX_DEPTH:
        reason, value = f"the entry is nested deeper than {MAX_DEPTH} levels", ""
    else:
        return sent_of(cleaned(value))
    _reject(incoming, index, reason, value)
    return None


def _reject(incoming: Incoming, index: int, reason: str, value: Any = "", name: str = "") -> None:
    raw = json.dumps(value) if value != "" else ""
    incoming.rejections.append(Rejection(reason, raw, name, index))


def _of_owner(sent: list[Sent], incoming: Incoming, owner: dict[str, str]) -> list[Sent]:
    """The entries with the app and host of the token; one that names others is rejected."""
    for name, wanted in owner.items():
        if not wanted:
            continue
        kept, indexes = [], []
        for entry, index in zip(sent, incoming.indexes, strict=True):
            given = getattr(entry, name)
            if given not in ("", wanted):
                reason = f"{name} {given[:100]!r} is not the token's, which is {wanted!r}"
                _reject(incoming, index, reason, msgspec.to_builtins(entry), name)
                continue
            setattr(entry, name, wanted)
            kept.append(entry)
            indexes.append(index)
        sent, incoming.indexes = kept, indexes
    return sent


# --- columns ------------------------------------------------------------------------------------------------------


def _columns(sent: list[Sent], received_at: int) -> Columns:
    times = _times(sent, received_at)
    levels = _levels(sent)
    messages, cut = _messages(sent)
    texts = {name: _texts(sent, name, limit) for name, limit in MAX_LENGTHS.items()}
    texts["category"] = [_CATEGORIES.get(text.lower(), text) for text in texts["category"]]
    lines = [entry.line for entry in sent]
    for row, line in enumerate(lines):
        if line is not None and not -(2**63) <= line < 2**63:
            sent[row].put_aside("line", line)
            lines[row] = None
    entry_ids = texts.pop("id")
    return {
        "timestamp": times,
        "level": levels,
        "severity": [LEVELS.get(level, 0) for level in levels],
        **texts,
        "line": lines,
        "message": messages,
        "entry_id": entry_ids,
        "truncated_bytes": cut,
        **{name: _objects(sent, name) for name in OBJECTS},
    }


def _times(sent: list[Sent], received_at: int) -> list[int]:
    found = []
    for entry in sent:
        moment = nanoseconds_of(entry.timestamp)
        if moment is None:
            if entry.timestamp != "":
                entry.put_aside("timestamp", entry.timestamp)
            moment = received_at
        found.append(moment)
    return found


def _levels(sent: list[Sent]) -> list[str]:
    return [
        entry.level if type(entry.level) is str and entry.level in LEVELS else _level(entry) for entry in sent
    ]


def _level(entry: Sent) -> str:
    """The level of an unusual word or number, which is an attribute where it says none."""
    word = entry.level
    if word == "":
        return ""
    if isinstance(word, str):
        if word.strip().upper() in LEVELS:
            return word.strip().upper()
        if word.strip().isdecimal() and word.isascii() and len(word) < 10:
            word = int(word)
    level = level_named(word)
    if level is None:
        level = level_of_severity(word)
    if not level:
        entry.put_aside("level", entry.level)
    return level or ""


def _messages(sent: list[Sent]) -> tuple[list[str], list[int]]:
    """The messages, and how many bytes of each were cut."""
    limit = settings.INGEST_MESSAGE_BYTES
    messages, cut = [entry.message for entry in sent], [0] * len(sent)
    for row, message in enumerate(messages):
        if len(message) * 4 > limit:
            data = message.encode("utf-8", "surrogatepass")
            if len(data) > limit:
                place = cut_place(data, limit)
                messages[row], cut[row] = data[:place].decode(), len(data) - place
    return messages, cut


def _texts(sent: list[Sent], name: str, limit: int) -> list[str]:
    """The values of a field; a longer one is cut, and whole among the attributes. An id is whole or no id."""
    found: list[str] = [getattr(entry, name) for entry in sent]
    if max(map(len, found), default=0) > limit:
        for row, text in enumerate(found):
            if len(text) > limit:
                sent[row].put_aside(name, text)
                found[row] = "" if name == "id" else text[:limit]
    return found


def _objects(sent: list[Sent], name: str) -> list[str | None]:
    return [_dumped(value) if (value := getattr(entry, name)) else None for entry in sent]


def _dumped(value: dict[str, Any]) -> str:
    try:
        text = msgspec.json.encode(value)
    except (OverflowError, ValueError, msgspec.MsgspecError):
        return dumped(value)
    return text.decode() if text.isascii() else dumped(value)


def _reject_large(incoming: Incoming) -> None:
    """Reject entries with an object that is too large, or nested too deep where the quick way has not looked."""
    wrong: dict[int, tuple[str, str]] = {}
    for name in OBJECTS:
        for row, text in enumerate(incoming.columns[name]):
            if text is None or len(text) <= SHORT_JSON:
                continue
            if len(text) > MAX_OBJECT_BYTES:
                wrong[row] = name, f"{name} is larger than {MAX_OBJECT_BYTES:,} bytes"
            elif text.count("{") + text.count("[") > MAX_DEPTH and depth_of(json.loads(text)) > MAX_DEPTH:
                wrong[row] = name, f"{name} is nested deeper than {MAX_DEPTH} levels"
    if not wrong:
        return
    for row, (name, reason) in sorted(wrong.items()):
        _reject(incoming, incoming.indexes[row], reason, incoming.columns[name][row][:10_000], name)
    kept = [row for row in range(len(incoming.indexes)) if row not in wrong]
    incoming.columns = {name: [values[row] for row in kept] for name, values in incoming.columns.items()}
    incoming.indexes = [incoming.indexes[row] for row in kept]


def _redact(columns: Columns) -> None:
    number = len(columns["message"])
    if not number:
        return
    texts = redacted_texts([text for name in REDACTED for text in columns[name]])
    for place, name in enumerate(REDACTED):
        columns[name] = texts[place * number : (place + 1) * number]
    objects = redacted_objects([text for name in OBJECTS for text in columns[name]])
    for place, name in enumerate(OBJECTS):
        columns[name] = objects[place * number : (place + 1) * number]
