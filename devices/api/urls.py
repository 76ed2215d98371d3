"""Routes below /api/v2/."""

from rest_framework.routers import SimpleRouter

from devices.api.responses import ResponseViewSet
from devices.api.views import DeviceViewSet, InterfaceViewSet

router = SimpleRouter()
router.register("devices", DeviceViewSet)
router.register("interfaces", InterfaceViewSet)
router.register("device-responses", ResponseViewSet)
urlpatterns = router.urls
