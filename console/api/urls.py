"""Routes below /api/v2/logs/."""

from django.urls import path

from console.api import views

urlpatterns = [
    path("entries", views.EntryListView.as_view(), name="log-entries"),
    path("entries/<str:source>/<str:id>", views.EntryView.as_view(), name="log-entry"),
    path("entries/<str:source>/<str:id>/context", views.ContextView.as_view(), name="log-entry-context"),
    path("histogram", views.HistogramView.as_view(), name="log-histogram"),
    path("facets", views.FacetsView.as_view(), name="log-facets"),
    path("patterns", views.PatternsView.as_view(), name="log-patterns"),
    path("stats", views.StatisticsView.as_view(), name="log-statistics"),
]
