"""Routes below /api/v2/."""

from django.urls import path

from logsite.intake.api.views import IngestTokenList, RejectedInputList

urlpatterns = [
    path("intake/tokens/", IngestTokenList.as_view(), name="ingest-tokens"),
    path("intake/rejected/", RejectedInputList.as_view(), name="rejected-input"),
]
