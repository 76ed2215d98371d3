"""Filtering of API lists that answers a mistyped parameter instead of passing over it."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

PAGING = {"cursor", "limit", "format"}


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with a 400 that names a parameter nobody knows: a typo must not return everything."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        known = PAGING | set(filterset.filters if filterset else ())
        unknown = {
            name: [f"unknown parameter; there are: {', '.join(sorted(known))}"]
            for name in request.query_params
            if name not in known
        }
        if unknown and getattr(view, "detail", False) is False:
            raise ValidationError(unknown)
        return super().filter_queryset(request, queryset, view)
