"""What a sender is answered with whose request was not taken: what is wrong, and when to try again."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse

from logsite.intake.bodies import SUPPORTED, BodyRefused
from logsite.intake.repeated import KeyRefused
from logsite.tables.outages import outage

BUSY_SECONDS = 1  # OTLP exporters drop a batch whose Retry-After exceeds their own ten seconds


def refusal(status: int, reason: str, *, field: str = "", hint: str = "") -> JsonResponse:
    """`{"error": {"field": …, "reason": …, "hint": …}}` without what is empty; to send it again will not help."""
    error = {"field": field, "reason": reason, "hint": hint}
    return JsonResponse({"error": {name: text for name, text in error.items() if text}}, status=status)


def body_refused(error: BodyRefused) -> JsonResponse:
    """The answer to a body that could not be unpacked; a 415 says what would be taken (RFC 7694)."""
    if error.status != 415:
        return refusal(error.status, error.reason, field="body")
    answer = refusal(415, error.reason, field="Content-Encoding")
    answer["Accept-Encoding"] = SUPPORTED
    return answer


def not_authenticated(reason: str = "the request needs an ingest token that is not revoked") -> JsonResponse:
    """401, which is no reason to try again with the same token."""
    answer = refusal(401, reason, field="Authorization", hint="Authorization: Bearer <ingest token>")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


def too_many(seconds: float, reason: str) -> JsonResponse:
    """429: the token's rate is used up for so many seconds."""
    return _later(429, seconds, reason)


def unavailable(reason: str, seconds: float = BUSY_SECONDS) -> JsonResponse:
    """503: nothing of the request is stored, and the sender shall send it again."""
    return _later(503, seconds, reason)


def _later(status: int, seconds: float, reason: str) -> JsonResponse:
    answer = refusal(status, reason)
    answer["Retry-After"] = str(max(1, math.ceil(seconds)))
    return answer


def answered(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """`view`, whose body or key may be refused or whose database may be out: the sender learns which, and what to do.

    It stands around the view's transactions, so that a 503 says that nothing is stored.
    """

    @wraps(view)
    def answering(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except BodyRefused as error:
            return body_refused(error)
        except KeyRefused as error:
            return refusal(error.status, error.reason, field="Idempotency-Key")
        except Error as error:
            if reason := outage(error):
                return unavailable(reason)
            raise

    return answering
