"""Routes below /api/v2/prodlogs/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from prodlogs.api import views
from prodlogs.api.reports import ErrorSummaryView, HealthView

router = SimpleRouter(use_regex_path=False)
router.register("hosts", views.HostViewSet, "prodlogs-host")
router.register("containers", views.ContainerViewSet, "prodlogs-container")
router.register("logs", views.ContainerEntryViewSet, "prodlogs-log")
router.register("errors", views.ErrorViewSet, "prodlogs-error")
router.register("snapshots", views.SnapshotViewSet, "prodlogs-snapshot")
router.register("commands", views.CommandViewSet, "prodlogs-command")
urlpatterns = [
    path("error-summary/", ErrorSummaryView.as_view(), name="prodlogs-error-summary"),
    path("health/", HealthView.as_view(), name="prodlogs-health"),
    *router.urls,
]
