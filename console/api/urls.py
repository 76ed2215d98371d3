"""Addresses over all sources; below /api/v2/logs/."""

from django.urls import path

from console.api.views import (
    ContextView,
    EntriesView,
    EntryView,
    FacetsView,
    HistogramView,
    PatternsView,
    StatsView,
)

urlpatterns = [
    path("entries", EntriesView.as_view(), name="log-entries"),
    path("entries/<slug:source>/<int:pk>", EntryView.as_view(), name="log-entry"),
    path("entries/<slug:source>/<int:pk>/context", ContextView.as_view(), name="log-context"),
    path("histogram", HistogramView.as_view(), name="log-histogram"),
    path("facets", FacetsView.as_view(), name="log-facets"),
    path("patterns", PatternsView.as_view(), name="log-patterns"),
    path("stats", StatsView.as_view(), name="log-stats"),
]
