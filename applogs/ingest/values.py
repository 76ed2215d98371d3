"""Values as every database takes them: JSON texts within bounds, no NUL, no half of a surrogate pair."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from logsite.redaction import redact
from logsite.text.cutting import cut_place

MAX_DEPTH = 100  # objects and arrays in one another
MAX_KEYS = 5000  # of one object of an entry, with all that is in it
EXACT = 16  # characters of a fraction of at most 15 digits, each of which a float keeps
LONGEST_NUMBER = 1000  # characters of a fraction; of an integer Python reads 4,300
LONGEST_INTEGER = 4300
CUT_MARGIN = 8192  # characters that are redacted beyond a cut, so that no half of a secret is left at the end
SHALLOW = 2 * MAX_DEPTH  # characters that MAX_DEPTH takes at least
NUL = "\N{SYMBOL FOR NULL}"
_encoder = msgspec.json.Encoder(decimal_format="number")


class ValueRefused(ValueError):
    """A value that is beyond a bound; the text says which."""


def exact_number(text: str) -> float | Decimal | str:
    """A JSON number with a fraction or an exponent, with all its digits; a text where no reader could hold it."""
    number = float(text)
    if (len(text) <= EXACT and "e" not in text and "E" not in text) or repr(number) == text:
        return number
    if not number and not text.lower().partition("e")[0].strip("-0."):
        return number
    return text if not number or math.isinf(number) or len(text) > LONGEST_NUMBER else Decimal(text)


def exact_integer(text: str) -> int | str:
    """The same for an integer."""
    return int(text) if len(text) <= LONGEST_INTEGER else text


# Reads what is no JSON to the letter, too: NaN as a text, control characters in texts, halves of surrogate pairs.
PATIENT = json.JSONDecoder(
    parse_float=exact_number, parse_int=exact_integer, parse_constant=str, strict=False
)


def read_json(text: str) -> Any:
    """The value of a JSON text, each number with all its digits. Raises ValueError."""
    return PATIENT.decode(text)


def write_json(value: Any) -> str:
    """`value` as compact JSON. Raises RecursionError."""
    return _encoder.encode(value).decode()


def plain_text(text: str) -> str:
    """`text` with NUL and lone surrogates in a visible form: `␀` and `\\ud800`."""
    if "\0" in text:
        text = text.replace("\0", NUL)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def plain_value(value: Any, depth: int = 0) -> Any:
    """The same for all texts and keys of a decoded value. Raises ValueRefused beyond MAX_DEPTH."""
    if isinstance(value, str):
        return plain_text(value)
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH + 1:  # the entry itself is no value of an entry
        raise ValueRefused(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return [plain_value(item, depth + 1) for item in value]
    return {plain_text(key): plain_value(item, depth + 1) for key, item in value.items()}


def json_text(value: Any) -> str:
    """`value` as compact JSON. Raises ValueRefused beyond MAX_DEPTH or MAX_KEYS."""
    try:
        text = write_json(value)
    except RecursionError:
        raise ValueRefused(f"nested deeper than {MAX_DEPTH} levels") from None
    if len(text) > SHALLOW:
        _check_bounds(value, text)
    return text


def _check_bounds(value: Any, text: str) -> None:
    """Look at the values themselves only where the signs in their text are too many."""
    if text.count("{") + text.count("[") > MAX_DEPTH and any(
        depth > MAX_DEPTH for depth, _ in containers(value)
    ):
        raise ValueRefused(f"nested deeper than {MAX_DEPTH} levels")
    if text.count('":') > MAX_KEYS:
        keys = sum(len(each) for _, each in containers(value) if isinstance(each, dict))
        if keys > MAX_KEYS:
            raise ValueRefused(f"more than {MAX_KEYS:,} keys")


def containers(value: Any) -> Iterator[tuple[int, dict[str, Any] | list[Any]]]:
    """Each object and array in `value`, with its depth from 1."""
    waiting = [(1, value)]
    while waiting:
        depth, each = waiting.pop()
        if isinstance(each, dict | list):
            yield depth, each
            inner = each.values() if isinstance(each, dict) else each
            waiting += [(depth + 1, item) for item in inner if isinstance(item, dict | list)]


def cut_text(text: str, limit: int) -> tuple[str, int]:
    """The first `limit` bytes of `text`, redacted, and how many bytes of it were cut."""
    size = len(text) if text.isascii() else len(text.encode())
    if size <= limit:
        return text, 0
    data = redact(text[: limit + CUT_MARGIN]).encode()
    place = cut_place(data, limit)
    return data[:place].decode(), size - place


def cut_json(text: str, limit: int) -> tuple[str, int]:
    """The same for a JSON text: what is left of it is the text of `truncated` in an object."""
    kept, cut = cut_text(text, limit)
    return (write_json({"truncated": kept}), cut) if cut else (text, 0)
