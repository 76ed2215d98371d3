"""Keyset pages for API lists: by (time, id), never by offset."""

import base64
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Field, Model
from rest_framework import exceptions
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from logsite.tables.deadlines import reading_within
from logsite.tables.keyset import beyond

PAGE_SECONDS = 10.0  # that reading a page may take


def encode_key(row: Model, ordering: Sequence[str]) -> str:
    """The opaque `cursor` of a page that ends at `row`. It names its table: another list refuses it."""
    values = [str(getattr(row, name.lstrip("-"))) for name in ordering]
    text = json.dumps([row._meta.label_lower, *values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_key(model: type[Model], ordering: Sequence[str], text: str) -> list[Any]:
    """The key values of `text`, as the columns' types. Raises ValueError when it is no cursor of this list."""
    try:
        table, *values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("not a cursor; take `next_cursor` from an earlier page") from None
    try:
        if table != model._meta.label_lower:
            raise ValueError("another table's")
        return [_typed(model, name, value) for name, value in zip(ordering, values, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, ValidationError):
        raise ValueError("not a cursor of this list; take `next_cursor` from an earlier page") from None


def _typed(model: type[Model], name: str, value: Any) -> Any:
    column = model._meta.get_field(name.lstrip("-"))
    assert isinstance(column, Field)
    if b"\0" in value.encode():  # no database takes it, nor the lone surrogates that `encode` refuses
        raise ValueError("not a text made by `encode_key`")
    typed = column.to_python(value)
    return typed.astimezone(UTC) if isinstance(typed, datetime) else typed


class KeysetPagination(BasePagination):
    """`?limit=` (1 to 1,000, default 100) and `?cursor=`; the answer is {"next", "next_cursor", "results"}.

    The list's order is the view's `keyset`, or the model's `Meta.ordering`; it has to end in a unique column.
    A page that is not read within PAGE_SECONDS is a TooSlow, which the API answers with 503.
    """

    default_limit = 100
    max_limit = 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        self.request = request
        ordering = list(getattr(view, "keyset", None) or queryset.model._meta.ordering)
        limit = self._limit(request)
        if cursor := request.query_params.get("cursor"):
            try:
                key = decode_key(queryset.model, ordering, cursor)
            except ValueError as error:
                raise exceptions.ValidationError({"cursor": [str(error)]}) from None
            queryset = queryset.filter(beyond(ordering, key))
        with reading_within(PAGE_SECONDS, queryset.db):
            rows = list(queryset.order_by(*ordering)[: limit + 1])
        page = rows[:limit]
        more = len(rows) > limit
        self.next_cursor = encode_key(page[-1], ordering) if more else None
        return page

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= self.max_limit:
            raise exceptions.ValidationError(
                {"limit": [f"must be a whole number from 1 to {self.max_limit}"]}
            )
        return int(text)

    def get_paginated_response(self, data: Any) -> Response:
        url = None
        if self.next_cursor:
            query = self.request.query_params.copy()
            query["cursor"] = self.next_cursor
            url = self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")
        return Response({"next": url, "next_cursor": self.next_cursor, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "next_cursor", "results"],
            "properties": {
                "next": {"type": "string", "nullable": True, "format": "uri"},
                "next_cursor": {"type": "string", "nullable": True},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "schema": {"type": "string"},
                "description": "`next_cursor` of the previous page",
            },
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_limit,
                    "default": self.default_limit,
                },
            },
        ]
