"""What the API answers where a query is refused, or reading takes too long."""

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from logsite.records.query import QueryError
from logsite.tables.deadlines import TooSlow


class _Refused(APIException):
    """`body` is the answer as it is: the REST framework's own errors turn numbers into texts."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__()
        self.status_code, self.detail = status, body


def answer_to(exception: Exception, context: dict[str, Any]) -> Response | None:
    """400 with position, reason and hint for a query that is refused, 503 for one that takes too long."""
    if isinstance(exception, QueryError):
        exception = _Refused(400, exception.as_json())
    elif isinstance(exception, TooSlow):
        error = {"field": "query", "reason": str(exception), "hint": "narrow the time range"}
        exception = _Refused(503, {"error": error})
    return exception_handler(exception, context)
