"""What no request body may contain: deeply nested JSON, half characters, numbers beyond 64 bits, unknown charsets.

No column and no response can hold these values: they are refused here with a 400, or they would be a 500 later.
"""

import codecs
import math
from collections.abc import Callable, Iterator
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from rest_framework import parsers
from rest_framework.exceptions import ParseError, ValidationError

from logsite.text.storable import INTEGERS, is_whole
from logsite.web.answers import answer

MAX_JSON_DEPTH = 32  # our own bodies have three levels
MAX_NAME_CHARACTERS = 80  # of a field, in an error
CHARSETS = ("utf-8", "ascii", "iso8859-1")  # as Python's codecs are named
TOO_DEEP = f"nested deeper than {MAX_JSON_DEPTH} levels"


class SiteRequest(ASGIRequest):
    """A request whose Content-Type names a charset that cannot even be looked up: 415, by CharsetMiddleware."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]
        except (LookupError, ValueError):  # `charset*=hex''x`, a NUL
            self.content_type, self.content_params = "", {"charset": "unknown"}


class CharsetMiddleware:
    """415 for a charset that is not UTF-8 or a part of it.

    Python knows `hex` and `unicode_escape` as charsets as well: the first fails, the second makes half characters.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        charset = (request.content_params or {}).get("charset", "utf-8")
        if _codec(charset) in CHARSETS:
            return self.get_response(request)
        request.encoding = None  # type: ignore[assignment]  # its parameters are read when an error is logged
        return answer(
            request, 415, f"Content-Type: the charset {charset[:40]!r} is not supported, send utf-8"
        )


def _codec(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return ""


class JSONParser(parsers.JSONParser):
    """JSON as every column and every answer can hold it; else a 400 that names the field."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            value = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(f"JSON parse error - {TOO_DEEP}") from None
        for name, item, depth in leaves(value):
            if problem := TOO_DEEP if depth > MAX_JSON_DEPTH else _problem(item):
                raise ValidationError({name: [problem]})
        if parser_context and "request" in parser_context:
            parser_context["request"]._request.parsed_json = value
        return value


def leaves(value: Any) -> Iterator[tuple[str, Any, int]]:
    """Each text, number and key of `value` with the name of its field, such as `tags.0`, and its depth.

    Goes no deeper than one level beyond MAX_JSON_DEPTH.
    """
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        name, item, depth = waiting.pop()
        if depth > MAX_JSON_DEPTH or not isinstance(item, dict | list):
            yield name or "non_field_errors", item, depth
            continue
        inner = item.items() if isinstance(item, dict) else enumerate(item)
        for key, each in inner:
            path = f"{name}.{shown(str(key))}" if name else shown(str(key))
            if isinstance(key, str):
                yield path, key, depth
            waiting.append((path, each, depth + 1))


def _problem(item: Any) -> str | None:
    if isinstance(item, str) and not is_whole(item):
        return "half of a surrogate pair is not a character"
    if isinstance(item, float) and not math.isfinite(item):
        return "not a finite number"
    if isinstance(item, int) and item not in INTEGERS:
        return "a number beyond 64 bits"
    return None


def shown(name: str) -> str:
    """The name of a field as an error can show it."""
    return name.encode("ascii", "backslashreplace").decode()[:MAX_NAME_CHARACTERS]
