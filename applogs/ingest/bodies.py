"""The values of a body: of one object, an array, a value a line, values back to back, or the fields of a form."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from logsite.intake.bodies import BodyRefused

MAX_DEPTH = 100
MAX_FORM_FIELDS = 1000
FORM = "application/x-www-form-urlencoded"
TYPES = f"application/json, application/x-ndjson, text/plain, {FORM}"
MAX_DIGITS = 400  # of a number; more are kept as a text
_BLANK = re.compile(r"[\s\x1e]*")  # RS: a text sequence of JSON (RFC 7464)


class Value(NamedTuple):
    """One value of a body; `number` is its place in an array or among values back to back, or its line, from 0."""

    number: int
    value: Any


def check_type(content_type: str) -> bool:
    """Whether the body may be a form. Raises BodyRefused with 415 for what is not JSON or a form."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return True
    if kind in ("", "text/plain") or "json" in kind:
        return False
    raise BodyRefused(415, f"Content-Type {kind[:60]!r}: send {TYPES}")


def values_of(body: bytes, content_type: str) -> Iterator[Value]:
    """The values of `body`. Raises BodyRefused: 415 for another type, 400 for what cannot be read to its end."""
    may_be_form = check_type(content_type)
    text = _text(body)
    start = text.lstrip()[:1]
    if may_be_form and start and start not in "{[":
        return iter([Value(0, _form(text))])
    return iter(_of_array(text) if start == "[" else _of_lines(text))


def _text(body: bytes) -> str:
    """Bytes that are no UTF-8 become lone surrogates, which are written out when the entry is stored."""
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")


def _form(text: str) -> dict[str, Any]:
    try:
        fields = parse_qsl(
            text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="surrogateescape"
        )
    except ValueError:
        raise BodyRefused(400, f"the form has more than {MAX_FORM_FIELDS:,} fields") from None
    if not any(value for _, value in fields):
        raise BodyRefused(400, "the body is neither JSON nor a form")
    return dict(fields)


def _of_array(text: str) -> list[Value]:
    """The members of the array; what stands behind it is a value as well, as of an array a line."""
    found: list[Value] = []
    for part in _back_to_back(text):
        members = part if isinstance(part, list) else [part]
        found += [Value(len(found) + number, member) for number, member in enumerate(members)]
    return found


def _of_lines(text: str) -> list[Value]:
    """A value a line, with the numbers of the lines; else values back to back."""
    found = []
    for number, line in enumerate(text.split("\n")):
        if not line.strip("\r\t \x1e"):
            continue
        try:
            found.append(Value(number, _loads(line)))
        except ValueError:
            return [Value(number, value) for number, value in enumerate(_back_to_back(text))]
    return found


def _back_to_back(text: str) -> list[Any]:
    """The values, with nothing or blanks between. Raises BodyRefused with the place of what is wrong."""
    found: list[Any] = []
    place = _end_of_blanks(text, 0)
    while place < len(text):
        try:
            value, end = _decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise BodyRefused(400, _where(text, error)) from None
        except RecursionError:
            raise BodyRefused(400, "the body is nested too deep") from None
        found.append(value)
        place = _end_of_blanks(text, end)
    return found


def _end_of_blanks(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def _where(text: str, error: json.JSONDecodeError) -> str:
    line = text.count("\n", 0, error.pos) + 1
    return f"the body is not JSON: line {line}, character {error.pos}: {error.msg}"


def _loads(line: str) -> Any:
    try:
        return _decoder.decode(line.strip("\r\t \x1e"))
    except RecursionError:
        raise BodyRefused(400, "the body is nested too deep") from None


def _integer(text: str) -> int | str:
    return int(text) if len(text) <= MAX_DIGITS else text


def _float(text: str) -> float | str:
    """A number that no float holds stays a text."""
    found = float(text) if len(text) <= MAX_DIGITS else float("inf")
    return found if found - found == 0 else text


# NaN and Infinity, which Python's senders write and JSON does not know, are texts. Of a key that comes twice the
# last value stays.
_decoder = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=str)


def depth_of(value: Any) -> int:
    """How deep lists and objects are in one another; no further than one level beyond MAX_DEPTH."""
    deepest, waiting = 0, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if not isinstance(item, dict | list):
            continue
        deepest = max(deepest, depth + 1)
        if deepest > MAX_DEPTH:
            return deepest
        inner = item.values() if isinstance(item, dict) else item
        waiting += [(each, depth + 1) for each in inner if isinstance(each, dict | list)]
    return deepest
