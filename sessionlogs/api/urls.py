"""Routes below /api/v2/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from sessionlogs.api.statistics import StatisticsView
from sessionlogs.api.views import SessionLogViewSet, SessionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("sessions", SessionViewSet)
router.register("session-logs", SessionLogViewSet)
urlpatterns = [
    path("sessions/statistics/", StatisticsView.as_view(), name="session-statistics"),
    *router.urls,
]
