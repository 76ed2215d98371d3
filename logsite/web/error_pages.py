"""The response to an exception that no view expected: JSON on the API, a plain page in the admin.

A database that is away is a 503 with Retry-After, a value that the database driver refused is a 400 that names the
parameter, and everything else is a 500. Nothing here asks the database, which may be what failed.
`tests/test_hostile_requests.py` tries the addresses, parameters, fields and forms of the site.
"""

import sys
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
    ValidationError,
)
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.log import log_response

from logsite.encryption.fields import DecryptionError
from logsite.tables.outages import outage
from logsite.web.answers import answer
from logsite.web.bodies import leaves, shown

RETRY_SECONDS = 5
# Their texts name what is wrong with the request and hold nothing of ours.
READABLE = (BadRequest, MultiPartParserError, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
# What columns and drivers raise for a value that they cannot take: a NUL, half a character, a number beyond 64 bits,
# a word where a number is due.
UNSTORABLE = (DataError, OverflowError, ValueError, ValidationError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = str(exception) if isinstance(exception, READABLE) else ""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return answer(request, status, text or "The request cannot be read.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 403, str(exception) or "You lack the permission for this page.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 404, "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """503 where the database is out or a key is lost, 400 for a value of the request that no column takes, else 500.

    Exceptions of views, of middleware and of the API arrive here alike.
    """
    error = sys.exc_info()[1]
    if reason := outage(error):
        response = answer(request, 503, f"{reason}; try again in {RETRY_SECONDS} seconds")
        response["Retry-After"] = str(RETRY_SECONDS)
        # Middleware that asks the database for the answer's sake fails once more: that is no news.
        level = "debug" if getattr(request, "database_is_out", False) else None
        request.database_is_out = True  # type: ignore[attr-defined]
        return _logged(request, response, reason, level)
    if isinstance(error, UNSTORABLE) and (names := ", ".join(dict.fromkeys(_culprits(request, error)))):
        reason = f"{names}: the database cannot store this value"
        return _logged(request, answer(request, 400, reason), reason)
    if isinstance(error, DecryptionError):  # the operator has to bring the key back
        return _logged(request, answer(request, 503, str(error)), str(error))
    if type(error) is LookupError:  # of codecs: a part of a form, or an Accept header, names a charset
        return _logged(request, answer(request, 400, f"charset: {error}"), "unknown charset")
    return answer(request, 500, "The server failed; its log says why.")


def _logged(
    request: HttpRequest, response: HttpResponse, reason: str, level: str | None = None
) -> HttpResponse:
    """`response`, on record in one line without a traceback; Django adds none of its own then."""
    words = (reason, request.method, request.path)
    log_response("%s: %s %s", *words, response=response, request=request, level=level)
    return response


def _culprits(request: HttpRequest, error: Exception) -> Iterator[str]:
    """The parameters with a NUL or a number beyond 64 bits, or whose value is quoted by the error.

    None where a value of our own is to blame: that is a defect.
    """
    text = str(error)
    for name, value in _parameters(request):
        for inner, item, _ in leaves(value):
            word = str(item)
            is_huge = word.lstrip("-").isdecimal() and len(word) >= 19
            if "\0" in word or is_huge or any(quoted in text for quoted in (repr(word), f"“{word}”")):
                yield shown(name or inner)


def _parameters(request: HttpRequest) -> Iterator[tuple[str, Any]]:
    yield "address", request.path_info
    yield "address", [str(value) for value in getattr(request.resolver_match, "kwargs", {}).values()]
    for query in (request.GET, request.POST):
        yield from ((name, list(values)) for name, values in query.lists())
    yield from (("Cookie", value) for value in request.COOKIES.values())
    yield "", getattr(request, "parsed_json", None)
