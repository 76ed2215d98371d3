"""What is in a body: JSON in one of four forms, or the form fields of Python's HTTPHandler.

A body that cannot be decoded to its end is refused as a whole: its sender repeats all of it.
"""

import re
from email.message import Message
from typing import Any, NamedTuple

import msgspec

from applogs.ingest.forms import fields_of
from applogs.ingest.values import PATIENT, exact_number
from logsite.intake.bodies import BodyRefused

FORM = "application/x-www-form-urlencoded"
JSON_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-lines",
    "text/json",
    "text/plain",  # what a browser's sendBeacon names
)
CHARSETS = {
    "utf-8": "",
    "utf8": "",
    "us-ascii": "",
    "ascii": "",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}
TAKEN = "application/json, application/x-ndjson, application/jsonl"
# Three bytes of JSON may become two hundred in memory: these bound what a body of 64 MiB becomes.
MAX_CONTAINERS = 2_000_000  # objects and arrays; counted by their signs, also in texts
MAX_ENTRIES = 200_000
BOM = b"\xef\xbb\xbf"
_BLANKS = re.compile(r"[ \t\r\n]*+")

_array = msgspec.json.Decoder(list[Any], float_hook=exact_number)
_stream = msgspec.json.Decoder(Any, float_hook=exact_number)


class MediaTypeRefused(BodyRefused):
    """415 because of the Content-Type; an answer may name TAKEN in `Accept-Post`."""

    def __init__(self, what: str) -> None:
        super().__init__(415, f"{what}: send {TAKEN}")


class Decoded(NamedTuple):
    """The values of a body, which may be no entries, and the index of each.

    `odd`: NUL or halves of surrogate pairs may be in the texts.
    """

    values: list[Any]
    indexes: list[int] | range
    odd: bool


def decode(body: bytes, content_type: str) -> Decoded:
    """The values in `body`. Raises BodyRefused: 415 for another type, 400 for what is malformed, 413 for too much.

    The index of a value counts from 0: places in an array, lines where each has one value, else the values.
    """
    kind, charset = _type_of(content_type)
    body = _utf8(body, charset).removeprefix(BOM)
    first = body.lstrip()[:1]
    if kind == FORM and first not in (b"{", b"[", b""):
        return Decoded([fields_of(body)], range(1), True)
    if first not in (b"{", b"[", b""):
        raise BodyRefused(400, "the body is not JSON: expected an object or an array")
    if body.count(b"{") + body.count(b"[") > MAX_CONTAINERS:
        raise BodyRefused(
            413, f"the body has more than {MAX_CONTAINERS:,} objects and arrays: send less at once"
        )
    values, odd = _values(body, first == b"[")
    if len(values) > MAX_ENTRIES:
        raise BodyRefused(413, f"the body has more than {MAX_ENTRIES:,} entries: send fewer at once")
    indexes = range(len(values)) if first == b"[" else _indexes(body, len(values))
    return Decoded(values, indexes, odd)


def _values(body: bytes, array: bool) -> tuple[list[Any], bool]:
    """The values, and whether their texts may be odd."""
    try:
        return _array.decode(body) if array else _stream.decode_lines(body), b"\\u0000" in body
    except (msgspec.MsgspecError, RecursionError):
        return _read_odd(body, array), True


def _type_of(content_type: str) -> tuple[str, str]:
    """The type and the charset of a Content-Type header. Raises MediaTypeRefused."""
    header = Message()
    header["Content-Type"] = content_type[:200].replace("\r", " ").replace("\n", " ")
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind != FORM and kind not in JSON_TYPES and not kind.endswith("+json"):
        raise MediaTypeRefused(f"Content-Type {kind[:60]!r}")
    charset = str(header.get_param("charset", "utf-8")).lower()
    if charset not in CHARSETS:
        raise MediaTypeRefused(f"charset {charset[:60]!r} (UTF-8 is read)")
    return kind, CHARSETS[charset]


def _utf8(body: bytes, codec: str) -> bytes:
    return body.decode(codec, "replace").encode() if codec else body


def _indexes(body: bytes, values: int) -> list[int] | range:
    if b"\n" not in body:
        return range(values)
    filled = [number for number, line in enumerate(body.split(b"\n")) if line and not line.isspace()]
    return filled if len(filled) == values else range(values)


def _read_odd(body: bytes, array: bool) -> list[Any]:
    """What only a patient reader reads: NaN, lone surrogates, numbers without end, bytes that are not UTF-8."""
    text = body.decode("utf-8", "replace")
    values: list[Any] = []
    place = _end_of_blanks(text, 0)
    try:
        while place < len(text):
            value, place = PATIENT.raw_decode(text, place)
            values.append(value)
            place = _end_of_blanks(text, place)
    except RecursionError:
        raise BodyRefused(400, "the body is not stored: its JSON is nested too deeply") from None
    except ValueError as error:
        raise BodyRefused(400, f"the body is not JSON: {str(error)[:100]}") from None
    if array and len(values) > 1:
        raise BodyRefused(400, "the body is not JSON: more text behind the array")
    return list(values[0]) if array else values


def _end_of_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    return match.end() if match else place
