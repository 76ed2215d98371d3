"""Routes below /api/v2/."""

from rest_framework.routers import SimpleRouter

from sessionlogs.api.views import SessionLogViewSet, SessionViewSet

router = SimpleRouter(use_regex_path=False)
router.register("sessions", SessionViewSet)
router.register("session-logs", SessionLogViewSet)
urlpatterns = router.urls
